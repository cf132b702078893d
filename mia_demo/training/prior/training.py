"""Training of the attacker's prior: StyleGAN2 on public, disjoint identities.

A GAN alone needs millions of images to learn what a face is. Here every phase but one learns
something that has a right answer:

1. **Autoencoder** (``autoencoder``): photos into styles w, and back at half size.
2. **Mapping** (``mapping``): z ~ N(0, I) into styles distributed like the photos'.
3. **Restoration** (``restoration``): what half-size pictures lack compared with photos; critics
   help.
4. **Distillation** (``distillation``): one generator of full size draws what the first three make
   together.

Learning rates rise and fall once in each phase. All but the mapping network go on as a moving
average of their weights, as in StyleGAN2. Of all networks only the last generator is shipped.
"""

import time
from collections import abc
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from mia_demo.errors import DataError
from mia_demo.models.features import FaceFeatures
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.training.prior.autoencoder import AutoencoderPhase, codes_of, settle_styles
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.distillation import DistillationPhase
from mia_demo.training.prior.mapping import MappingPhase
from mia_demo.training.prior.phase import Phase, PriorFrame, run_phase, state_file
from mia_demo.training.prior.restoration import RestorationPhase
from mia_demo.training.state import fingerprint

MIN_PRIOR_PHOTOS = 10
PHASES = (AutoencoderPhase, MappingPhase, RestorationPhase, DistillationPhase)


class PriorTraining:
    """All phases in their order; a sitting goes on where the last one ended.

    Args:
        images: photos uint8 [N, 3, R, R] with R the configured resolution.
        features: measure likeness; trained on public identities only.
        directory: where the resumable states lie, a file per phase.

    Attributes:
        prior: None until the last phase is done.
        images_seen, seconds: of all phases and sittings.

    Raises:
        DataError: too few photos.
    """

    def __init__(
        self,
        config: PriorConfig,
        images: Tensor,
        features: FaceFeatures,
        compute: Compute,
        directory: Path,
    ) -> None:
        if len(images) < MIN_PRIOR_PHOTOS:
            raise DataError(
                f"{len(images)} photos are too few to learn faces from; {MIN_PRIOR_PHOTOS} are "
                "needed."
            )
        self.config = config
        self.images = images
        self.features = features
        self.compute = compute
        self.directory = directory
        self.prior: Generator | None = None
        self.images_seen = 0
        self.seconds = 0.0

    def run(self, minutes: float) -> abc.Iterator[PriorFrame]:
        """Trains for ``minutes``, or until the last phase is done.

        Raises:
            CheckpointError: a state is damaged, or of other settings, photos or features.
            ConfigError: the training diverged.
        """
        ends_at = time.monotonic() + minutes * 60
        config, images, features, compute = self.config, self.images, self.features, self.compute
        recipe = asdict(config) | {"data": fingerprint(images, *features.state_dict().values())}

        def run(phase: Phase) -> abc.Generator[PriorFrame, None, bool]:
            """Returns whether the phase is done."""
            if not state_file(self.directory, phase.name).exists():
                self._forget_after(phase.name)
            yield from run_phase(phase, self.directory, recipe, lambda: time.monotonic() >= ends_at)
            self.images_seen += phase.images_seen
            self.seconds += phase.seconds
            return phase.is_done

        self.images_seen, self.seconds = 0, 0.0
        autoencoder = AutoencoderPhase(config, images, features, compute)
        if not (yield from run(autoencoder)):
            return
        codes = codes_of(autoencoder.encoder_average, images, compute)
        base = settle_styles(autoencoder.average, codes)
        mapping = MappingPhase(config, base, compute)
        if not (yield from run(mapping)):
            return
        base.generator.requires_grad_(False)
        restoration = RestorationPhase(config, images, base, features, compute)
        if not (yield from run(restoration)):
            return
        restorer = restoration.average
        distillation = DistillationPhase(config, base, restorer, features, compute)
        if (yield from run(distillation)):
            self.prior = distillation.average

    def _forget_after(self, phase: str) -> None:
        """Removes the states of later phases: they go on from another of this one."""
        names = [kind.name for kind in PHASES]
        for name in names[names.index(phase) + 1 :]:
            state_file(self.directory, name).unlink(missing_ok=True)
