"""From styles to pictures and to what classifiers see of them, in micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from mia_demo.attack.framing import Framing, pixels_seen
from mia_demo.attack.lanes import Lane
from mia_demo.attack.replay import Replays
from mia_demo.models.classifiers import Classifier
from mia_demo.models.frozen_synthesis import FrozenSynthesis, LimitReachedError
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.system.memory import MicroBatches
from mia_demo.zoo.reading import Zoo


def slices_of(part: slice, length: int) -> Iterator[tuple[int, slice]]:
    """The blocks of ``length`` rows that ``part`` touches, each with its rows within the part."""
    for block in range(part.start // length, -(-part.stop // length)):
        start, stop = max(part.start, block * length), min(part.stop, (block + 1) * length)
        yield block, slice(start - part.start, stop - part.start)


class Renderer:
    """The prior on its device, with the framing of its pictures.

    Args:
        generator: placed and frozen; its weights stay as they are.

    Attributes:
        replays: CUDA graphs of the networks, where they are asked for.
    """

    def __init__(
        self, generator: Generator, compute: Compute, framing: Framing, micro_batches: MicroBatches
    ) -> None:
        self.generator = generator
        self.compute = compute
        self.framing = framing
        self.micro_batches = micro_batches
        self.replays = Replays() if compute.graphs else None
        self._synthesis = FrozenSynthesis(
            generator.synthesis, compute.dtype, transpose=compute.transposes
        )

    @staticmethod
    def of(zoo: Zoo, compute: Compute) -> Renderer:
        """The zoo's own prior."""
        micro_batches = MicroBatches(compute, pixels_seen(zoo))
        return Renderer(compute.place(zoo.load_prior()), compute, Framing.of(zoo), micro_batches)

    def images(self, w: Tensor) -> Tensor:
        """Pictures [B, 3, R, R], float32, not clipped, of styles [B, w_dim] on the device."""
        if self.replays and w.requires_grad and not self._synthesis.is_limited:
            return self.replays.call(self.generator, self._images, w)
        return self._images(w)

    def ask(self, classifier: Classifier, views: Tensor) -> Tensor:
        """float32 logits [N, C] of views [N, 3, S, S], with their gradient."""
        batch = views.contiguous(memory_format=torch.channels_last)
        if self.replays and batch.requires_grad:
            return self.replays.call(classifier, partial(self.answer, classifier), batch)
        return self.answer(classifier, batch)

    def answer(self, classifier: Classifier, batch: Tensor) -> Tensor:
        """The same operation by operation, so that hooks see them; the batch channels last."""
        with self.compute.autocast():
            logits: Tensor = classifier(batch)
        return logits.float()

    def _images(self, w: Tensor) -> Tensor:
        try:
            return self._synthesis(w)
        except LimitReachedError:
            with self.compute.autocast():
                return self.generator.synthesize(w).float()

    @torch.no_grad()
    def render(self, styles: Tensor, lanes: list[Lane]) -> tuple[Tensor, list[Tensor]]:
        """Pictures [N, 3, P, P] of styles [N, w_dim], and per lane what its classifier sees.

        Every lane has the same number of styles, one lane after the other.
        """
        per_lane = len(styles) // len(lanes)

        def some(part: slice) -> tuple[Tensor, dict[int, Tensor]]:
            images = self.images(styles[part].to(self.compute.device))
            views = {
                lane: self.framing.view(images[within], lanes[lane].classifier.input_size)
                for lane, within in slices_of(part, per_lane)
            }
            return self.framing.picture(images), views

        parts = self.micro_batches.run(len(styles), some)
        pictures = torch.cat([images for images, _ in parts])
        return pictures, [
            torch.cat([views[lane] for _, views in parts if lane in views])
            for lane in range(len(lanes))
        ]

    @torch.no_grad()
    def logits(self, classifier: Classifier, images: Tensor) -> Tensor:
        """float32 logits [N, C] of images [N, 3, S, S]."""

        def some(part: slice) -> Tensor:
            batch = images[part].contiguous(memory_format=torch.channels_last)
            return self.answer(classifier, batch)

        return torch.cat(self.micro_batches.run(len(images), some))
