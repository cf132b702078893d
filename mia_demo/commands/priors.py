"""``train-prior`` and ``check-prior``: the generator of the attacker's faces."""

from dataclasses import asdict
from typing import Any

import torch

from mia_demo.commands.output import log_line, progress
from mia_demo.commands.training_requests import CheckPriorRequest, TrainPriorRequest
from mia_demo.data.identities import open_identity_set
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import open_public_identities, public_split
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.metrics.prior_check import measure_prior
from mia_demo.metrics.prior_quality import prior_frechet, sample_images
from mia_demo.recipes.prior import add_prior
from mia_demo.system.device import choose_compute
from mia_demo.system.files import write_bytes, write_json
from mia_demo.training.classifier import LabelledImages
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.phase import state_file
from mia_demo.training.prior.training import PriorTraining
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.opening import open_zoo


def answer_train_prior(request: TrainPriorRequest) -> dict[str, Any]:
    compute = choose_compute(request.device)
    # The zoo's own proportions, at any size.
    channel_base = PriorConfig.channel_base // PriorConfig.resolution * request.resolution
    config = PriorConfig(
        resolution=request.resolution, channel_base=channel_base, seed=request.seed
    )
    state = request.output / "state"
    has_begun = any(state.glob(state_file(state, "*").name))
    if has_begun and not request.resume:
        raise CheckpointError(
            f"{request.output} holds a training already; add --resume or choose another folder."
        )
    if request.resume and not has_begun:
        raise CheckpointError(f"{request.output} holds no training yet; leave --resume out.")
    zoo = open_zoo(request.zoo)
    features, embedder = zoo.load_features(), zoo.load_embedder()
    public = open_identity_set(request.data, min_identities=1, min_images=1)
    images, _ = public.tensors(config.resolution)
    output = FolderZoo.create(request.output)
    training = PriorTraining(config, images, features, compute, state)
    with progress("prior", unit="step") as bar:
        for frame in training.run(request.minutes):
            bar.set_description_str(f"prior, {frame.phase}", refresh=False)
            bar.total, bar.n = frame.steps, frame.step
            bar.refresh()
    answer = {"images_seen": training.images_seen, "seconds": round(training.seconds, 1)}
    if training.prior is None:
        log_line("The prior is not done; run the same command with --resume, and it goes on.")
        return answer
    add_prior(output, training, identities=len(public))
    frechet, seed = None, request.seed
    try:
        frechet = prior_frechet(output.load_prior(), embedder, images, compute, seed=seed)
    except ConfigError as error:  # the training itself is done and saved
        log_line(str(error))
    checkpoint = str(request.output / output.entry("prior").stored.file)
    return {**answer, "frechet": frechet, "checkpoint": checkpoint}


def answer_check_prior(request: CheckPriorRequest) -> dict[str, Any]:
    zoo, compute = open_zoo(request.zoo), choose_compute(request.device)
    generator = zoo.load_prior()
    public = open_public_identities(request.data)
    size = generator.resolution
    train, held_out = (
        LabelledImages(*public.tensors(size, labels=labels)) for labels in public_split(public)
    )
    figures, originals, projections = measure_prior(
        generator,
        zoo.load_features(),
        zoo.load_embedder(),
        compute,
        train=train,
        held_out=held_out,
        seed=0,
        log=log_line,
    )
    samples = sample_images(generator, 100, compute, seed=0)
    pairs = torch.stack([originals, projections], dim=1).flatten(0, 1)
    for name, images, columns in (("samples", samples, 10), ("projections", pairs, 20)):
        sheet = sprite(images.permute(0, 2, 3, 1).contiguous().numpy(), columns)
        write_bytes(request.output / f"{name}.png", png(sheet))
    result = asdict(figures)
    write_json(request.output / "prior.json", result)
    return result
