"""Training: the factor each epoch really used, learning, and resuming after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.system.device import Compute
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    TrainingFrame,
    accuracy,
    train_classifier,
)
from mia_demo.training.config import TrainConfig

CONFIG = TrainConfig(
    alpha=-0.05, arguments={"width": 8}, input_size=16, epochs=4, batch_size=8, learning_rate=5e-3
)


def make(config: TrainConfig, compute: Compute, data: LabelledImages) -> ClassifierTrainer:
    return ClassifierTrainer(config.classifier(2), config, compute, data)


def test_negative_schedule_reaches_the_training_loop(compute, coloured_people) -> None:
    trainer = make(CONFIG, compute, coloured_people)
    frames = list(train_classifier(trainer, coloured_people))
    assert trainer.alphas == [0.0, 0.0, -0.025, -0.05]
    per_epoch = {frame.epoch: frame.alpha for frame in frames}
    assert list(per_epoch.values()) == trainer.alphas
    rates = {frame.epoch: frame.learning_rate for frame in frames}
    assert rates == pytest.approx({0: 5e-3, 1: 5e-3, 2: 5e-3, 3: 5e-4})


def test_frames_count_steps_and_end_with_a_measured_accuracy(compute, coloured_people) -> None:
    config = replace(CONFIG, alpha=0.0, epochs=6)
    trainer = make(config, compute, coloured_people)
    frames: list[TrainingFrame] = list(train_classifier(trainer, coloured_people))
    assert [frame.step for frame in frames] == list(range(1, 6 * 3 + 1))
    assert [f.step for f in frames if f.test_accuracy is not None] == [3, 6, 9, 12, 15, 18]
    assert frames[-1].loss < frames[0].loss
    assert frames[-1].test_accuracy == accuracy(trainer.network, coloured_people, compute) > 0.9


def test_smoothing_factors_give_different_networks(compute, coloured_people) -> None:
    """The commonest mistake: a negative factor that silently trains like zero."""
    spread = {}
    for alpha in (0.1, 0.0, -0.05):
        config = replace(CONFIG, alpha=alpha)
        trainer = make(config, compute, coloured_people)
        list(train_classifier(trainer, None))
        spread[alpha] = trainer.network.state_dict()["network.fc.weight"].clone()
    assert not torch.equal(spread[0.0], spread[-0.05])
    assert not torch.equal(spread[0.0], spread[0.1])


def test_a_killed_training_resumes_to_the_same_weights(
    tmp_path: Path, compute, coloured_people
) -> None:
    whole = make(CONFIG, compute, coloured_people)
    list(train_classifier(whole, None))

    killed = make(CONFIG, compute, coloured_people)
    for frame in train_classifier(killed, None, tmp_path):
        if frame.step == 8:  # in the middle of the third epoch
            break
    resumed = make(CONFIG, compute, coloured_people)
    frames = list(train_classifier(resumed, None, tmp_path))
    assert frames[0].epoch == 2
    assert resumed.alphas == whole.alphas
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_a_state_of_other_settings_or_a_damaged_one_is_refused(
    tmp_path: Path, compute, coloured_people
) -> None:
    trainer = make(CONFIG, compute, coloured_people)
    trainer.save(tmp_path)
    other = make(replace(CONFIG, alpha=0.1), compute, coloured_people)
    with pytest.raises(CheckpointError, match="other settings"):
        other.load(tmp_path)
    state = next(tmp_path.glob("*.safetensors"))
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not a training state"):
        trainer.load(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch_size": 1}, {"learning_rate": 0.0}, {"alpha": 1.1}, {"input_size": 8}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        replace(CONFIG, **wrong)  # type: ignore[arg-type]


def test_a_diverged_training_says_so_and_keeps_no_state_of_it(
    tmp_path: Path, compute: Compute, coloured_people: LabelledImages
) -> None:
    trainer = make(replace(CONFIG, learning_rate=1e30), compute, coloured_people)
    with pytest.raises(ConfigError, match="no longer a number; choose a smaller learning rate"):
        list(train_classifier(trainer, coloured_people, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_other_people_is_refused_in_a_sentence(
    tmp_path: Path, compute: Compute, coloured_people: LabelledImages
) -> None:
    make(CONFIG, compute, coloured_people).save(tmp_path)
    more = ClassifierTrainer(CONFIG.classifier(3), CONFIG, compute, coloured_people)
    others = replace(coloured_people, images=255 - coloured_people.images)
    for trainer in (more, make(CONFIG, compute, others)):
        with pytest.raises(CheckpointError, match="of other data; choose another folder"):
            trainer.load(tmp_path)
    # A student's pictures are not the same on every device.
    one, two = (
        ClassifierTrainer(CONFIG.classifier(2), CONFIG, compute, photos, data="pool")
        for photos in (coloured_people, others)
    )
    one.save(tmp_path / "student")
    two.load(tmp_path / "student")
