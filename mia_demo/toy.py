"""The paper's two-dimensional example: why smoothing changes where an attack ends.

Section 3 and figure 1 of the paper, with the set-up of its notebook: three Gaussian blobs, a small
network trained with smoothing factor alpha, and an attack that moves a point of class 0 until the
network is more than 95 % sure of class 2. With hard labels it stops between the classes; positive
smoothing leads it into the target's data; negative smoothing stops it just behind the decision
boundary.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.smoothing import check_alpha, smoothing_loss
from mia_demo.system.seeds import SeededDraws

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
# Steps and distance of the paper's walks from START, by smoothing factor.
PAPER_WALKS = {0.0: (763, 3.23), 0.05: (3113, 0.65), -0.05: (53, 6.75)}
SIDE = 15.0  # the plane shown is [-15, 15] x [-15, 15], as in the paper's figure

Point = tuple[float, float]


@dataclass(frozen=True)
class Walk:
    """An attack and the paper's figures of it.

    Attributes:
        steps: attack steps until the confidence was reached, as the paper counts them.
        is_confident: whether it was reached within ``ATTACK_STEPS``.
        distance: L2 distance from the end point to the nearest training point of the target.
        path: the points visited, start first.
        confidences: softmax value of the target class at each of them.
    """

    steps: int
    is_confident: bool
    distance: float
    path: tuple[Point, ...]
    confidences: tuple[float, ...]


@dataclass(frozen=True)
class ToyResult:
    """The paper's walk for one smoothing factor; ``final_loss`` is that of the last step."""

    alpha: float
    final_loss: float
    walk: Walk


def blobs() -> tuple[Tensor, Tensor]:
    """Points [500, 2] and their classes [500], as scikit-learn's ``make_blobs`` draws them."""
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
    with SeededDraws(MODEL_SEED):
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
    """Full-batch training; yields the network and the loss after every step."""
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
    network: nn.Module, start: Point = START, target: int = TARGET_CLASS
) -> Iterator[Point]:
    """Descends the cross-entropy of the target class; yields every point, start first.

    Like the paper's notebook it checks the confidence before a step and stops after it, so the last
    point is one step past the first that is confident enough.
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


def distance_to_class(point: Point, target: int = TARGET_CLASS) -> float:
    points, labels = blobs()
    return (points[labels == target] - torch.tensor(point)).norm(dim=1).min().item()


def measure_walk(network: nn.Module, start: Point = START) -> Walk:
    """Attacks from ``start`` and measures the walk."""
    path = tuple(attack_network(network, start))
    with torch.no_grad():
        probabilities = network(torch.tensor(path)).softmax(dim=1)[:, TARGET_CLASS]
    walked = len(path) - 1
    is_confident = walked < ATTACK_STEPS
    return Walk(
        # The last step, taken after the confidence was reached, is not counted.
        steps=walked - 1 if is_confident else walked,
        is_confident=is_confident,
        distance=distance_to_class(path[-1]),
        path=path,
        confidences=tuple(probabilities.tolist()),
    )


@torch.no_grad()
def landscape(network: nn.Module, cells: int) -> npt.NDArray[np.float32]:
    """Softmax values over the plane, at the middle of each cell: [cells, cells, 3].

    Row 0 is the top (largest second coordinate). A network in training mode is returned to it.
    """
    was_training = network.training
    network.eval()
    middles = torch.linspace(-1, 1, 2 * cells + 1)[1::2] * SIDE
    vertical, horizontal = torch.meshgrid(-middles, middles, indexing="ij")
    grid = torch.stack([horizontal, vertical], dim=2).flatten(0, 1)
    probabilities = network(grid).softmax(dim=1).unflatten(0, (cells, cells))
    network.train(was_training)
    return probabilities.numpy()


def run_toy(alpha: float) -> ToyResult:
    """Trains and attacks, with the paper's start and target class."""
    *_, (network, loss) = train_network(alpha)
    return ToyResult(alpha, loss, measure_walk(network))
