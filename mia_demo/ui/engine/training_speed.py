"""How long a training takes here: timed on a few batches of noise, later on real trainings."""

import time
from collections.abc import Generator, Iterable
from functools import partial

import torch

from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    predict,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.people_training import (
    Series,
    SeriesStep,
    evaluator_config,
    missing_targets,
)
from mia_demo.ui.engine.speed import SpeedMeter
from mia_demo.visitors.own_people import OwnPeople, People

TIMING_SECONDS = 5.0  # estimate for ZeroGPU
TIMED_BATCHES = 4  # the first one is the warm-up

Timing = tuple[str, int, float]  # kind, size and seconds, for ``SpeedMeter.note``


def training_seconds(
    engine: Engine, people: People, config: TrainConfig, images: int
) -> float | None:
    """Estimated seconds of a training on so many images of each person; None before its
    architecture was timed."""
    most = people.zoo.manifest.train_images
    counts = [len(entries) for entries in people.identities.entries]
    trained = sum(min(images, most, count) for count in counts)
    tested = sum(max(1, count - most) for count in counts)
    step = engine.speed.seconds(f"training {config.architecture}", config.batch_size)
    test = engine.speed.seconds(f"testing {config.architecture}", tested)  # after every epoch
    if step is None or test is None:
        return None
    return config.epochs * (trained / config.batch_size * step + test)


def three_lanes_seconds(engine: Engine, people: OwnPeople) -> float | None:
    """Estimated seconds of what ``plan_three_lanes`` would train; untimed ones are timed first.

    Raises:
        DemoError: the queue is full.
    """
    configs = missing_targets(people, engine.zoo)
    if configs and not people.has_evaluator:
        configs.append(evaluator_config(people))
    total = 0.0
    images = people.zoo.manifest.train_images
    for config in configs:
        if training_seconds(engine, people, config, images) is None:
            measure_training(engine, config)
        seconds = training_seconds(engine, people, config, images)
        if seconds is None:  # the measurement was stopped
            return None
        total += seconds
    return total


def measure_training(engine: Engine, config: TrainConfig) -> None:
    """Times an architecture; waits for the device.

    Raises:
        DemoError: the queue is full.
    """
    work = partial(time_training, config, len(engine.identities))

    def noted() -> Generator[Timing, None, None]:
        for timing in engine.on_device(work, seconds=TIMING_SECONDS):
            engine.speed.note(*timing)
            yield timing

    for _ in engine.shared(noted, "a measurement of speed").updates():
        pass


def time_training(
    config: TrainConfig, classes: int, networks: Networks
) -> Generator[Timing, None, None]:
    """Trains on a few batches of noise, whose content does not affect the speed."""
    count, size = TIMED_BATCHES * config.batch_size, config.input_size
    noise = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
    data = LabelledImages(noise, torch.arange(count) % classes)
    trainer = ClassifierTrainer(config.classifier(classes), config, networks.compute, data)
    before: float | None = None
    for frame in train_classifier(trainer, None):
        if before is not None:
            kind = f"training {config.architecture}"
            yield kind, config.batch_size, frame.seconds - before
        before = frame.seconds
        if frame.step == TIMED_BATCHES:
            break
    started = time.perf_counter()
    predict(trainer.network, noise, networks.compute)
    spent = time.perf_counter() - started
    yield f"testing {config.architecture}", count, spent


def measured_training(
    steps: Iterable[SeriesStep], series: Series, meter: SpeedMeter
) -> Generator[SeriesStep, None, None]:
    """The steps of a series of trainings, whose speed is noted."""
    before: float | None = None
    for number, update in steps:
        frame, config = update.frame, series.plans[number].config
        if frame is not None:
            if before is not None and frame.seconds > before:
                kind = f"training {config.architecture}"
                meter.note(kind, config.batch_size, frame.seconds - before)
            before = frame.seconds
        yield number, update
