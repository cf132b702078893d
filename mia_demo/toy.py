"""The paper's two-dimensional example: why smoothing changes where an attack ends.

Section 3 and figure 1 of the paper, set-up of its notebook: three Gaussian blobs, a small
network trained with smoothing factor alpha, and an attack that walks from a point of class 0
until the network calls it class 2 with more than 95 % confidence. With hard labels the walk stops
in no man's land; positive smoothing leads it into the target's data; negative smoothing stops it
right behind the decision border.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.smoothing import check_alpha, smoothing_loss

POINTS = 500
CENTRES = ((0.0, -10.0), (-10.0, 10.0), (10.0, 10.0))
SPREAD = 1.6
DATA_SEED = 17
MODEL_SEED = 42
TRAINING_STEPS = 5000
START = (-3.0, -10.0)
TARGET_CLASS = 2
ATTACK_STEPS = 10_000
ENOUGH_CONFIDENCE = 0.95


@dataclass(frozen=True)
class ToyResult:
    """Figures as in the paper.

    Attributes:
        final_loss: smoothed training loss at the last step.
        steps: attack steps until the confidence was reached (as the paper counts them).
        distance: L2 distance from the end point to the closest training point of the target.
        path: the points visited, start first.
    """

    alpha: float
    final_loss: float
    steps: int
    distance: float
    path: tuple[tuple[float, float], ...]


def blobs() -> tuple[Tensor, Tensor]:
    """The 500 points [500, 2] and their classes, as scikit-learn's ``make_blobs`` draws them."""
    rng = np.random.RandomState(DATA_SEED)
    sizes = [POINTS // 3 + (index < POINTS % 3) for index in range(3)]
    points = np.concatenate(
        [
            rng.normal(loc=centre, scale=SPREAD, size=(size, 2))
            for centre, size in zip(CENTRES, sizes, strict=True)
        ]
    )
    labels = np.repeat(np.arange(3), sizes)
    order = np.arange(POINTS)
    rng.shuffle(order)
    return torch.tensor(points[order], dtype=torch.float32), torch.tensor(labels[order])


def build_network() -> nn.Sequential:
    """2 -> 20 -> 20 -> 3 with batch normalisation; the last layer has no bias."""
    torch.manual_seed(MODEL_SEED)
    return nn.Sequential(
        nn.Linear(2, 20),
        nn.BatchNorm1d(20),
        nn.ReLU(),
        nn.Linear(20, 20),
        nn.BatchNorm1d(20),
        nn.ReLU(),
        nn.Linear(20, 3, bias=False),
    )


def train_network(alpha: float) -> Iterator[tuple[nn.Sequential, float]]:
    """Full-batch training; yields the network and its loss after every step."""
    check_alpha(alpha)
    points, labels = blobs()
    network = build_network().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    for _ in range(TRAINING_STEPS):
        optimizer.zero_grad()
        loss = smoothing_loss(network(points), labels, alpha)
        loss.backward()
        optimizer.step()
        yield network, loss.item()


def attack_network(
    network: nn.Module, start: tuple[float, float] = START, target: int = TARGET_CLASS
) -> Iterator[tuple[float, float]]:
    """Walks down the cross-entropy of the target class; yields every point, start first.

    Like the paper's notebook it looks at the confidence before a step and stops after it, so the
    last point lies one step behind the first one that is confident enough.
    """
    network.eval()
    point = torch.tensor([start], requires_grad=True)
    optimizer = torch.optim.SGD([point], lr=0.1)
    wanted = torch.tensor([target])
    yield start
    for _ in range(ATTACK_STEPS):
        with torch.enable_grad():
            logits = network(point)
            (point.grad,) = torch.autograd.grad(F.cross_entropy(logits, wanted), point)
        optimizer.step()
        yield point[0, 0].item(), point[0, 1].item()
        if logits.softmax(dim=1)[0, target].item() > ENOUGH_CONFIDENCE:
            return


def distance_to_class(point: tuple[float, float], target: int = TARGET_CLASS) -> float:
    points, labels = blobs()
    return (points[labels == target] - torch.tensor(point)).norm(dim=1).min().item()


def run_toy(alpha: float) -> ToyResult:
    """Trains, attacks and measures, with the paper's start and target."""
    *_, (network, loss) = train_network(alpha)
    path = tuple(attack_network(network))
    walked = len(path) - 1
    # The last step, taken after the goal was reached, is not counted.
    steps = walked if walked == ATTACK_STEPS else walked - 1
    return ToyResult(alpha, loss, steps, distance_to_class(path[-1]), path)
