"""Student transfer: the gradient of a copy that was taught by labels alone.

The idea of LOKT (Nguyen et al., "Label-Only Model Inversion Attacks via Knowledge Transfer",
NeurIPS 2023), without its own generator: N pictures of the prior get the target's label, one query
each; a student learns them; then Plug & Play attacks the student. A mask over the target's gradient
is not copied with its labels.

    student = argmin mean over n of CE(s(G(w_n)), argmax f(G(w_n)))

A student serves every attack on its target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.sampling import POOL_STYLES, Pool
from mia_demo.data.transforms import to_uint8
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.training.classifier import ClassifierTrainer, LabelledImages, train_classifier
from mia_demo.training.config import TrainConfig

STUDENT_PICTURES = POOL_STYLES  # the whole pool: its labels are known
STUDENT_RECIPE = TrainConfig(arguments={"width": 24}, epochs=10, seed=5)
RENDERED_AT_ONCE = 500


def teach_student(
    renderer: Renderer, lane: Lane, pool: Pool, folder: Path | None
) -> Iterator[Lane | float]:
    """Yields progress in 0..1, and the student as a lane last.

    Args:
        pool: with the target's confidences in all styles, of which the labels are used.
        folder: where its training is kept, to go on there; None keeps nothing.
    """
    target, compute = lane.classifier, renderer.compute
    config = replace(STUDENT_RECIPE, input_size=target.input_size)
    styles = pool.styles[:STUDENT_PICTURES]
    labels = pool.confidences[lane.name][:STUDENT_PICTURES].argmax(dim=1)
    pictures = [
        to_uint8(renderer.render(part, [lane])[1][0]).cpu()
        for part in styles.split(RENDERED_AT_ONCE)
    ]
    student = config.classifier(target.num_classes)
    seen = LabelledImages(torch.cat(pictures), labels)
    trainer = ClassifierTrainer(student, config, compute, seen)
    for frame in train_classifier(trainer, None, folder):
        yield frame.step / frame.total_steps
    frozen = compute.place(fold_batch_norms(student))
    yield replace(lane, classifier=frozen, attacked=with_weights_in(frozen, compute.dtype))
