"""Knowledge extraction: a student learns from good reconstructions and not from noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.metrics.extraction import STUDENT, knowledge_extraction
from mia_demo.training.classifier import LabelledImages

SMALL = replace(STUDENT, arguments={"width": 8}, input_size=16, epochs=6, batch_size=8)


def test_good_reconstructions_teach_and_wrong_ones_do_not(coloured_people, compute) -> None:
    real = coloured_people
    taught = knowledge_extraction(real, real, real, compute, SMALL)
    assert taught.train > 0.9
    assert taught.train == taught.test
    swapped = LabelledImages(real.images, 1 - real.labels)
    assert knowledge_extraction(swapped, real, real, compute, SMALL).test < 0.1


def test_too_few_reconstructions_are_refused(coloured_people, compute) -> None:
    one_sided = LabelledImages(coloured_people.images[:4], torch.tensor([0, 0, 0, 1]))
    with pytest.raises(ConfigError, match="identity 1 has 1"):
        knowledge_extraction(one_sided, coloured_people, coloured_people, compute, SMALL)


def test_a_student_of_one_person_is_refused(coloured_people, compute) -> None:
    """It is right whatever it is shown."""
    alone = coloured_people.labels == 0
    one = LabelledImages(coloured_people.images[alone], coloured_people.labels[alone])
    with pytest.raises(ConfigError, match="at least 2 identities"):
        knowledge_extraction(one, one, one, compute, SMALL)


@pytest.mark.parametrize("empty", ["train", "test"])
def test_a_student_without_an_examination_is_refused(coloured_people, compute, empty) -> None:
    nobody = LabelledImages(coloured_people.images[:0], coloured_people.labels[:0])
    splits = {"train": coloured_people, "test": coloured_people, empty: nobody}
    with pytest.raises(ConfigError, match="needs real images of both splits"):
        knowledge_extraction(coloured_people, splits["train"], splits["test"], compute, SMALL)
