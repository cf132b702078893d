"""Seeded draws: torch's numbers to the bit, and nothing of them is shared with other threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.classifiers import build_classifier
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.config import TrainConfig

DRAWS: dict[str, Callable[[], Tensor]] = {
    "randn": lambda: torch.randn(3, 5),
    "rand on a device": lambda: torch.rand(7, device="cpu"),
    "randint from 0": lambda: torch.randint(9, (8,)),
    "randint between": lambda: torch.randint(3, 9, (8,)),
    "randperm": lambda: torch.randperm(20),
    "normal_": lambda: torch.empty(17).normal_(1, 2),
    "truncated": lambda: nn.init.trunc_normal_(torch.empty(9)),
    "layers": lambda: torch.cat([p.flatten() for p in nn.Linear(3, 4).parameters()]),
    "dropout": lambda: F.dropout(torch.ones(40), 0.3),
}


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_those_of_the_global_seed(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        expected = [DRAWS[name]() for _ in range(2)]
    before = torch.get_rng_state()
    draws, drawn = SeededDraws(5), []
    for _ in range(2):  # the second time the sequence goes on
        with draws:
            drawn.append(DRAWS[name]())
    assert torch.equal(before, torch.get_rng_state())
    assert all(map(torch.equal, drawn, expected))
    assert not torch.equal(*drawn)


def test_explicit_generators_keep_their_own_numbers_inside() -> None:
    expected = torch.rand(4, generator=torch.Generator().manual_seed(1))
    rng = torch.Generator().manual_seed(1)
    with SeededDraws(5):
        assert torch.equal(torch.rand(4, generator=rng), expected)


def test_a_gpus_dropout_repeats_and_keeps_the_mean() -> None:
    masks = []
    for _ in range(2):
        with SeededDraws(3):
            scaled, kept = torch.native_dropout(torch.ones(4000), 0.25, True)
        assert torch.equal(scaled, kept / 0.75)
        masks.append(kept)
    assert torch.equal(*masks)
    assert masks[0].float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_threads_that_draw_meanwhile_change_nothing() -> None:
    config = TrainConfig(arguments={"width": 8}, input_size=16, seed=3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = build_classifier("compact_resnet", 4, 16, {"width": 8}).state_dict()
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            torch.manual_seed(0)
            torch.randn(100)

    state = torch.get_rng_state()
    others = [threading.Thread(target=disturb) for _ in range(2)]
    for other in others:
        other.start()
    built = [config.classifier(4).state_dict() for _ in range(20)]
    stop.set()
    for other in others:
        other.join()
    torch.set_rng_state(state)
    for weights in built:
        assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_attention_without_dropout_draws_nothing() -> None:
    """Fused kernels have no overload with a generator."""
    query = torch.randn(1, 2, 4, 8, generator=torch.Generator().manual_seed(0))
    expected = F.scaled_dot_product_attention(query, query, query)
    with SeededDraws(5):
        assert torch.equal(F.scaled_dot_product_attention(query, query, query), expected)
