"""The loops that are compared: the reference code's, and ours without and with the evaluator.

All move the same candidates from the same styles against the same targets. The reference attacks
one lane after the other, each lane's candidates in one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import Lane
from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.renderer import Renderer
from mia_demo.bench.reference import ReferenceLoop
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute, choose_compute
from mia_demo.system.memory import MicroBatches
from mia_demo.training.state import step_generator
from mia_demo.zoo.opening import open_zoo

REFERENCE_LOOP, OUR_LOOP, JUDGED_LOOP = "reference", "ours", "ours_with_evaluator"
GRAPHED_LOOP = "ours_with_cuda_graphs"
LOOPS = (REFERENCE_LOOP, OUR_LOOP, JUDGED_LOOP)
PAPER_RESOLUTION, PAPER_CROP = 1024, 800
TARGET_SIZE, EVALUATOR_SIZE = 224, 299
IDENTITIES = 530  # of FaceScrub


@dataclass(frozen=True)
class BenchSetting:
    """What is attacked, in words that another process understands too.

    Attributes:
        zoo: None is the embedded one; not used at paper scale.
        target: an architecture at the paper's size with random weights; None attacks the zoo's.
        candidates: per lane.
        at_once: pictures in the networks together, where the device's own choice is not wanted.
    """

    device: str
    precision: str
    loss: str
    candidates: int
    zoo: str | None = None
    target: str | None = None
    at_once: int | None = None

    @property
    def compute(self) -> Compute:
        return choose_compute(self.device, self.precision)


@dataclass(frozen=True)
class Scene:
    """A setting's networks, frozen, on the CPU in float32.

    Attributes:
        load_evaluator: called only by the loop that needs it, to save the others' memory.
        evaluator_size: pixels of what it sees.
    """

    generator: Generator
    targets: list[Classifier]
    load_evaluator: Callable[[], Classifier]
    evaluator_size: int
    framing: Framing

    @staticmethod
    def of(setting: BenchSetting) -> Scene:
        if setting.target is None:
            zoo = open_zoo(setting.zoo)
            return Scene(
                generator=zoo.load_prior(),
                targets=[zoo.load_classifier(name) for name in zoo.default_lanes()],
                load_evaluator=lambda: zoo.load_classifier("evaluator"),
                evaluator_size=zoo.entry("evaluator").input_size,
                framing=Framing.of(zoo),
            )
        target = build_classifier(setting.target, IDENTITIES, TARGET_SIZE)
        return Scene(
            generator=Generator(resolution=PAPER_RESOLUTION).requires_grad_(False).eval(),
            targets=[target.requires_grad_(False).eval()],
            load_evaluator=_random_evaluator,
            evaluator_size=EVALUATOR_SIZE,
            framing=Framing(PAPER_CROP),
        )

    def start(self, setting: BenchSetting) -> Tensor:
        """[lanes, candidates, w_dim]."""
        shape = (len(self.targets), setting.candidates, self.generator.w_dim)
        return torch.randn(shape, generator=step_generator(0, 0)) * 0.3


def loops_of(compute: Compute) -> tuple[str, ...]:
    """The loops that a device can run."""
    return (*LOOPS, GRAPHED_LOOP) if compute.device.type == "cuda" else LOOPS


def build_loop(setting: BenchSetting, name: str) -> Callable[[], object]:
    """One step of the loop ``name`` (one of ``loops_of``), with networks of its own."""
    scene = Scene.of(setting)
    compute = replace(setting.compute, graphs=name == GRAPHED_LOOP)
    config = preset_config("quick", loss=setting.loss)
    if name == REFERENCE_LOOP:
        return _reference_step(scene, scene.start(setting).to(compute.device), config)
    step, renderer = _our_step(scene, setting, compute, config)
    if name != JUDGED_LOOP:
        return step
    evaluator = compute.place(fold_batch_norms(scene.load_evaluator()))
    evaluator = with_weights_in(evaluator, compute.dtype)

    def judged() -> None:
        renderer.logits(evaluator, step().flatten(0, 1))

    return judged


def _random_evaluator() -> Classifier:
    evaluator = build_classifier("inception_v3", IDENTITIES, EVALUATOR_SIZE)
    return evaluator.requires_grad_(False).eval()


def _reference_step(scene: Scene, start: Tensor, config: AttackConfig) -> Callable[[], object]:
    generator = scene.generator.to(start.device)
    loops = [
        ReferenceLoop(generator, target.to(start.device), styles, config, scene.framing)
        for target, styles in zip(scene.targets, start, strict=True)
    ]
    return lambda: [loop.step(0) for loop in loops]


def _our_step(
    scene: Scene, setting: BenchSetting, compute: Compute, config: AttackConfig
) -> tuple[Callable[[], Tensor], Renderer]:
    pixels = scene.generator.resolution**2 + 2 * scene.evaluator_size**2
    micro_batches = MicroBatches(compute, pixels)
    micro_batches.size = setting.at_once or micro_batches.size
    generator = compute.place(scene.generator)
    renderer = Renderer(generator, compute, scene.framing, micro_batches)
    lanes = []
    for number, target in enumerate(scene.targets):
        classifier = compute.place(fold_batch_norms(target))
        attacked = with_weights_in(classifier, compute.dtype)
        lanes.append(Lane(f"target {number}", 0.0, None, classifier, attacked))
    start = scene.start(setting)
    optimisation = Optimisation(renderer, lanes, [0], start, config, prior=start.flatten(0, 1))
    step = partial(optimisation.step, step_generator(0, 0))
    return lambda: step().images, renderer
