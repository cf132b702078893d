"""Training of classifiers: targets with any smoothing factor, evaluators, the face embedder.

The reference code's recipe on a small scale: Adam, learning rate divided by 10 after 3/4 and 9/10
of the epochs, last epoch kept, and the schedule of negative smoothing factors (``alpha_at_epoch``).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mia_demo.data.transforms import AUGMENTATIONS, normalise
from mia_demo.defences.defence import Step
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.smoothing import alpha_at_epoch, smoothing_loss
from mia_demo.system.cores import FreeCores
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.config import TrainConfig
from mia_demo.training.logits import LogitHistogram, logit_histogram
from mia_demo.training.state import fingerprint, load_state, save_state, step_generator

STATE_FILE = "classifier_state.safetensors"

Transform = Callable[[Tensor, torch.Generator], Tensor]  # uint8 batch -> float in [-1, 1]


@dataclass(frozen=True)
class LabelledImages:
    """uint8 images [N, 3, S, S] and their int64 labels [N]."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class TrainingFrame:
    """One step of a training; the last of an epoch also reports on the test images."""

    epoch: int  # from 0
    epochs: int
    step: int  # optimiser steps so far, over all epochs
    total_steps: int
    alpha: float  # the factor that this epoch uses
    learning_rate: float
    loss: float
    train_accuracy: float  # of the epoch so far, on augmented images
    test_accuracy: float | None
    seconds: float  # of computing, including earlier sittings
    logits: LogitHistogram | None = None  # of the test images


class ClassifierTrainer:
    """A network in training; its state can be saved after every epoch and restored.

    Args:
        data: what a state must have been trained on to be restored; by default these very photos.
    """

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        compute: Compute,
        train: LabelledImages,
        *,
        data: str | None = None,
    ) -> None:
        self.network = compute.place(network)
        self.config = config
        self.compute = compute
        self.defence = config.protection()
        self.train_images = train
        self.data = data
        self.transform: Transform = AUGMENTATIONS[config.augmentation](config.input_size)
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, foreach=True
        )
        self.epoch = 0
        self.seconds = 0.0
        self.alphas: list[float] = []  # of the finished epochs
        # Batch normalisation cannot train on a single image: a final batch of one is dropped.
        batches, rest = divmod(len(train.images), config.batch_size)
        self.steps_per_epoch = batches + (rest > 1)
        if not self.steps_per_epoch:
            raise ConfigError("Training needs at least 2 images.")

    def train_epoch(self) -> Iterator[TrainingFrame]:
        """One epoch, one frame per step, without test accuracy."""
        config = self.config
        alpha = alpha_at_epoch(config.alpha, self.epoch, config.epochs, config.phases)
        learning_rate = config.learning_rate_at(self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        rng = step_generator(config.seed, self.epoch)
        draws = SeededDraws(config.seed + self.epoch)  # of dropout and of the defence
        order = torch.randperm(len(self.train_images.images), generator=rng)
        self.defence.start_epoch(self.network)
        correct, seen = 0.0, 0
        for index in range(self.steps_per_epoch):
            started = time.perf_counter()
            chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
            labels = self.train_images.labels[chosen].to(self.compute.device)
            batch = self.transform(self.train_images.images[chosen].to(self.compute.device), rng)
            loss, hits = self._step(batch, labels, alpha, draws)
            correct, seen = correct + hits, seen + len(chosen)
            self.seconds += time.perf_counter() - started
            yield TrainingFrame(
                epoch=self.epoch,
                epochs=config.epochs,
                step=self.epoch * self.steps_per_epoch + index + 1,
                total_steps=config.epochs * self.steps_per_epoch,
                alpha=alpha,
                learning_rate=learning_rate,
                loss=loss,
                train_accuracy=correct / seen,
                test_accuracy=None,
                seconds=self.seconds,
            )
        self.alphas.append(alpha)
        self.epoch += 1

    def _step(
        self, batch: Tensor, labels: Tensor, alpha: float, draws: SeededDraws
    ) -> tuple[float, float]:
        seen = Step(batch, labels, self.network, partial(self._smoothed, alpha))
        with draws:
            loss, logits = self.defence.objective(seen)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item(), self.hits(logits, labels)

    def _smoothed(self, alpha: float, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The smoothing loss of all heads, and the logits of the main one."""
        with self.compute.autocast():
            outputs = self.network(images.contiguous(memory_format=torch.channels_last))
        logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        logits = logits.float()
        loss = self.loss(logits, labels, alpha)
        for other in auxiliary:  # Inception's auxiliary head has weight 1, as in the reference code
            loss = loss + self.loss(other.float(), labels, alpha)
        return loss, logits

    def loss(self, logits: Tensor, labels: Tensor, alpha: float) -> Tensor:
        """The loss to minimise, averaged over the batch."""
        return smoothing_loss(logits, labels, alpha)

    def hits(self, logits: Tensor, labels: Tensor) -> float:
        """Number of images in the batch that are classified correctly."""
        return (logits.argmax(dim=1) == labels).float().sum().item()

    def recipe(self) -> dict[str, Any]:
        """Settings that a saved state must have been trained with to be resumed."""
        return self.config.to_json()

    def _parts(self) -> dict[str, nn.Module | torch.optim.Adam]:
        return {"network": self.network, "adam": self.optimizer}

    def save(self, directory: Path) -> None:
        numbers = {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "alphas": self.alphas,
            "data": self._named_data(),
        }
        save_state(directory / STATE_FILE, self._parts(), self.recipe(), numbers)

    def _named_data(self) -> str:
        if self.data is None:
            self.data = fingerprint(self.train_images.images, self.train_images.labels)
        return self.data

    def load(self, directory: Path) -> None:
        """Restores the state after the last finished epoch; raises as ``load_state``."""
        numbers = load_state(directory / STATE_FILE, self._parts(), self.recipe())
        if numbers.get("data", self._named_data()) != self._named_data():  # earlier ones have none
            raise CheckpointError(
                f"{directory} holds a training of other data; choose another folder."
            )
        self.epoch = int(numbers["epoch"])
        self.seconds = float(numbers["seconds"])
        self.alphas = list(numbers["alphas"])


def train_classifier(
    trainer: ClassifierTrainer, test: LabelledImages | None, directory: Path | None = None
) -> Iterator[TrainingFrame]:
    """Trains to the last epoch, resuming from a state in ``directory`` if there is one.

    Args:
        test: measured after every epoch; None skips it.
        directory: where the resumable state is kept; None keeps none.

    Yields:
        One frame per step; the last of an epoch carries ``test_accuracy``.

    Raises:
        ConfigError: the loss or the logits are no longer numbers.
    """
    if directory is not None and (directory / STATE_FILE).exists():
        trainer.load(directory)
    with closing(FreeCores()) as cores:
        while trainer.epoch < trainer.config.epochs:
            cores.take()
            last: TrainingFrame | None = None
            for frame in trainer.train_epoch():
                _check_finite(frame.loss, frame.epoch)
                if last is not None:
                    yield last
                last = frame
            assert last is not None
            if test is not None:
                logits = predict(trainer.network, test.images, trainer.compute)
                _check_finite(logits.abs().max().item(), last.epoch)
                last = replace(
                    last,
                    test_accuracy=_accuracy(logits, test.labels),
                    logits=logit_histogram(logits, test.labels),
                )
            if directory is not None:
                trainer.save(directory)
            yield last


def _check_finite(number: float, epoch: int) -> None:
    """Refuses to save a state that cannot be resumed."""
    if not math.isfinite(number):
        raise ConfigError(
            f"The loss of epoch {epoch + 1} is no longer a number; choose a smaller learning rate, "
            "or a schedule that brings α in gradually."
        )


@torch.no_grad()
def predict(
    network: nn.Module,
    images: Tensor,
    compute: Compute,
    *,
    batch_size: int = 256,
    output: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Outputs of a network in evaluation mode: uint8 images [N, 3, S, S] -> float32 CPU [N, D].

    Args:
        output: what to compute for a batch, such as the network's ``features``; default: logits.
    """
    network.eval()
    output = output or network
    outputs = []
    for start in range(0, len(images), batch_size):
        batch = normalise(images[start : start + batch_size].to(compute.device))
        with compute.autocast():
            outputs.append(output(batch.contiguous(memory_format=torch.channels_last)))
    return torch.cat([part.float().cpu() for part in outputs])


def accuracy(network: nn.Module, data: LabelledImages, compute: Compute) -> float:
    """Top-1 accuracy in 0..1; nan for no images."""
    if not len(data.labels):
        return math.nan
    return _accuracy(predict(network, data.images, compute), data.labels)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(dim=1) == labels).float().mean().item()
