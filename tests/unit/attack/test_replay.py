"""Replays on a CPU, where a stand-in writes to the same memory each time, as CUDA graphs do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.replay import MAX_SHAPES, Function, Replays
from mia_demo.attack.search import StepRecord
from mia_demo.errors import DeviceError
from mia_demo.system.device import choose_compute
from mia_demo.training.state import step_generator


class Recorder:
    """Records a function as ``torch.cuda.make_graphed_callables`` does: one memory per graph."""

    def __init__(self, change: Callable[[Tensor], Tensor] = lambda result: result) -> None:
        self.change = change
        self.replays = 0

    def __call__(self, function: Function, sample: tuple[Tensor]) -> Function:
        (static,) = sample
        recorder = self
        memory: dict[str, Tensor] = {}

        def kept(name: str, value: Tensor) -> Tensor:
            return memory.setdefault(name, torch.empty_like(value)).copy_(value).detach()

        class Graph(torch.autograd.Function):
            @staticmethod
            def forward(ctx: object, x: Tensor) -> Tensor:
                recorder.replays += 1
                assert x.shape == static.shape
                with torch.no_grad():
                    static.copy_(x)
                return kept("result", recorder.change(function(static.detach())))

            @staticmethod
            def backward(ctx: object, gradient: Tensor) -> Tensor:
                with torch.enable_grad():
                    own = static.detach().clone().requires_grad_()
                    (by_input,) = torch.autograd.grad(function(own), own, gradient)
                return kept("gradient", by_input)

        return lambda x: Graph.apply(x)


def steps(attacker: Attacker, replays: Replays | None) -> list[StepRecord]:
    """Two steps of eight candidates in two micro-batches of one shape."""
    shared = attacker.renderer
    renderer = Renderer(shared.generator, shared.compute, shared.framing, shared.micro_batches)
    renderer.replays = replays
    lanes = [attacker.lane("zero"), attacker.lane("negative")]
    start = torch.randn(2, 4, shared.generator.w_dim, generator=step_generator(0, 0)) * 0.3
    config = preset_config("quick")
    optimisation = Optimisation(
        renderer, lanes, [3], start, config, prior=start.flatten(0, 1)
    )  # fmt: skip
    return [optimisation.step(step_generator(0, number)) for number in (1, 2)]


def test_replayed_steps_are_the_steps(attacker: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacker.renderer.micro_batches, "size", 4)
    recorder = Recorder()
    eager, replayed = steps(attacker, None), steps(attacker, Replays(recorder))
    assert recorder.replays > 0
    for one, two in zip(eager, replayed, strict=True):
        assert one.trace is not None
        assert two.trace is not None
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.trace.gradient, two.trace.gradient)
        assert torch.equal(one.trace.moved, two.trace.moved)
        assert torch.equal(one.gradient_cosine.nan_to_num(2), two.gradient_cosine.nan_to_num(2))


def test_a_wrong_recording_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    replays, network = Replays(Recorder(lambda result: result + 1)), nn.Linear(4, 2)
    x = torch.randn(3, 4, requires_grad=True)
    assert torch.equal(replays.call(network, network, x), network(x))
    assert "results differ" in caplog.text


def test_what_cannot_be_recorded_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    def fails(function: Function, sample: tuple[Tensor]) -> Function:
        raise RuntimeError("operation not permitted when stream is capturing")

    replays, network = Replays(fails), nn.Linear(4, 2)
    x = torch.randn(3, 4, requires_grad=True)
    for _ in range(2):
        assert torch.equal(replays.call(network, network, x), network(x))
    assert caplog.text.count("not permitted") == 1  # tried once


def test_a_network_has_few_recordings() -> None:
    recorder = Recorder()
    replays, network = Replays(recorder), nn.Linear(4, 2)
    for rows in range(1, MAX_SHAPES + 3):
        x = torch.randn(rows, 4, requires_grad=True)
        assert torch.equal(replays.call(network, network, x), network(x))
    # Each recorded shape is compared once and used once.
    assert recorder.replays == 2 * MAX_SHAPES


def test_graphs_are_refused_where_there_are_none() -> None:
    with pytest.raises(DeviceError, match="need an NVIDIA GPU"):
        choose_compute("cpu", graphs=True)


def test_graphs_are_used_only_where_they_are_asked_for(attacker: Attacker) -> None:
    shared, compute = attacker.renderer, replace(attacker.compute, graphs=True)
    graphed = Renderer(shared.generator, compute, shared.framing, shared.micro_batches)
    assert shared.replays is None
    assert isinstance(graphed.replays, Replays)
