"""What ``bench`` compares: the reference's loop computes the same attack as ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mia_demo.bench.loops import LOOPS, BenchSetting, Scene, build_loop
from mia_demo.bench.measure import alternating, in_its_own_process, needed_operations
from mia_demo.bench.reference import reference_images
from mia_demo.bench.small import run_bench
from mia_demo.models.classifiers import Classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from tests.tiny_zoo import make_tiny_zoo

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2_ada_32px.safetensors"


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> BenchSetting:
    root = tmp_path_factory.mktemp("zoo")
    make_tiny_zoo(root)
    return BenchSetting("cpu", "fp32", "poincare", candidates=4, zoo=str(root))


def test_the_reference_draws_the_official_codes_pictures() -> None:
    golden = load_file(GOLDEN)
    generator = Generator(z_dim=32, w_dim=32, resolution=32, channel_base=512, channel_max=32)
    state = {key[6:]: value for key, value in golden.items() if key.startswith("state.")}
    generator.load_state_dict(state, strict=True)
    w = golden["out.w_psi0.5_cutoff4"][:, 0].clone().requires_grad_(True)
    images = reference_images(generator, w)
    torch.testing.assert_close(images, generator.synthesize(w), atol=1e-4, rtol=1e-4)
    images.square().mean().backward()
    assert w.grad is not None
    torch.testing.assert_close(w.grad[:, None], golden["out.grad_single_w"], atol=1e-4, rtol=0)


def test_both_loops_see_the_same_first_pictures(setting: BenchSetting) -> None:
    reference, ours = build_loop(setting, LOOPS[0])(), build_loop(setting, LOOPS[1])()
    torch.testing.assert_close(torch.stack(reference), ours, atol=1e-3, rtol=1e-3)


def test_needed_operations_are_those_of_the_formulas() -> None:
    generator = Generator(z_dim=4, w_dim=4, resolution=8, channel_base=64, channel_max=8)
    classifier = Classifier(torch.nn.Conv2d(3, 5, 3, padding=1), 5, 8)
    # Constant, upsampling from 4 px, 3x3 at 8 px, both colours, the classifier.
    generators = 8 * 8 * 16 + 9 * 8 * 8 * 16 + 9 * 8 * 8 * 64 + 3 * 8 * (16 + 64)
    assert needed_operations(generator, [classifier]) == 4 * (generators + 9 * 3 * 5 * 64)


def test_turns_are_taken_and_the_first_is_not_counted(compute: Compute) -> None:
    order: list[str] = []
    runs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = alternating(runs, compute, rounds=2)
    assert order == ["a", "b"] * 3
    assert all(some.cpu >= 0 and some.wall >= 0 for some in seconds.values())


def test_a_killed_process_measures_nothing() -> None:
    assert in_its_own_process(int, "3") == 3
    assert in_its_own_process(os.abort) is None


def test_the_figures_hang_together(setting: BenchSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    def own_process_once(work: Callable[..., Any], setting: BenchSetting, name: str) -> Any:
        return in_its_own_process(work, setting, name) if name == "ours" else work(setting, name)

    monkeypatch.setattr("mia_demo.bench.small.in_its_own_process", own_process_once)
    monkeypatch.setattr("mia_demo.bench.small.BENCH_ROUNDS", 1)
    found = run_bench(setting.zoo, Compute(torch.device("cpu"), torch.float32))
    assert found["ratio"] == pytest.approx(found["ours"] / found["reference"], rel=0.05)
    assert {row["loss"] for row in found["loops"]} == {"poincare", "cross_entropy"}
    assert all(found["memory"][name] > 100e6 for name in LOOPS)
    assert found["peak_memory_bytes"] == found["memory"]["ours"]
    scene = Scene.of(setting)
    operations = needed_operations(scene.generator, scene.targets) / 1e9
    assert found["roofline"]["gigaflop_per_candidate_step"] == round(operations, 3)
