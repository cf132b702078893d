"""Commands, comparisons and files of a run."""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig, parse_knobs, preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.named import named_attack, with_budget
from mia_demo.cli import parse
from mia_demo.defences.registry import parse_strengths
from mia_demo.errors import ConfigError
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.command import attack_command, training_command
from mia_demo.runs.export import FILE_TYPES, export, file_name
from mia_demo.runs.repetition import pictures_repetition
from mia_demo.runs.run import setting_differences
from mia_demo.system.device import Compute
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.reading import Zoo

PHOTO = np.full((16, 16, 3), 90, dtype=np.uint8)


@pytest.mark.parametrize(
    "config",
    [
        preset_config("quick", identity=7, seed=2),
        preset_config("paper", lanes=("zero>negative>zero", "own-1")),
        preset_config("standard", steps=7, learning_rate=0.1 + 0.2, loss="poincare"),
        preset_config("paper", steps=60, lanes=("zero",), identity=99),
        # Equal to another preset, reached by turning every knob.
        preset_config(
            "quick", pool_size=2000, candidates=10, kept=5, steps=50, selection_rounds=32
        ),
        with_budget(named_attack("taa", "quick", identity=3), 5000),
    ],
)
def test_the_copied_command_parses_to_the_same_configuration(config: AttackConfig) -> None:
    python, dash_m, module, *arguments = shlex.split(attack_command(config))
    assert (python, dash_m, module) == ("python", "-m", "mia_demo")
    options = parse(arguments)
    parsed = preset_config(
        options.preset,
        identity=options.identity,
        seed=options.seed,
        lanes=tuple(options.lanes.split(",")),
        **parse_knobs(options.settings or []),
    )
    assert parsed == config


def test_an_older_preset_is_told_as_todays_with_a_change() -> None:
    older = replace(preset_config("quick", identity=7), learning_rate=0.02)  # still named "quick"
    assert "--preset quick --set learning_rate=0.02" in attack_command(older)


def test_the_copied_command_of_a_training_names_all_that_decides_it() -> None:
    config = TrainConfig(
        alpha=-0.05, epochs=3, batch_size=16, learning_rate=0.1 + 0.2, milestones=(0.6, 0.9),
        phases=(0.2, 0.3), seed=7, initial_weights="pretrained", defence="mid",
        strengths={"beta": 0.1 + 0.2},
    )  # fmt: skip
    options = parse(shlex.split(training_command(config, 8))[3:])
    assert options.photos == 8
    told = {name: getattr(options, name, None) for name in config.to_json()}
    told |= {"milestones": tuple(options.milestones), "phases": tuple(options.phases)}
    told["strengths"] = parse_strengths(options.strengths)
    default = {"arguments": {}, "input_size": 64}
    assert TrainConfig(**{**told, **default}) == config


def test_a_lane_name_cannot_smuggle_in_another_command() -> None:
    config = preset_config("quick", lanes=("zero; rm -rf ~ > $(x)",))
    arguments = shlex.split(attack_command(config))
    assert arguments.count(f"--lanes={config.lanes[0]}") == 1
    assert ";" not in [*arguments]


def test_the_report_is_one_file_that_needs_nothing_else(run: AttackRun) -> None:
    named = replace(run, name='<script>alert(1)</script> "x"')
    text = export(named, "html", PHOTO).decode()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    sources = re.findall(r'(?:src|href|data|action)\s*=\s*"([^"]*)"', text)
    assert len(sources) == 1 + 1 + 4  # animation, photo, two pictures of two lanes
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?://|//[a-z]|url\(|@import", re.sub(r'"data:[^"]*"', "", text))
    assert "python -m mia_demo attack --identity 7" in text
    assert run.report["checkpoints"]["negative"] in text


def test_the_sheet_and_the_animation_are_pictures(run: AttackRun) -> None:
    sheet = Image.open(io.BytesIO(export(run, "png", None)))
    assert sheet.format == "PNG"
    animation = Image.open(io.BytesIO(export(run, "webp", PHOTO)))
    assert animation.format == "WEBP"
    assert animation.n_frames == 5  # start, three steps, result
    assert animation.size[0] > animation.size[1]


def test_the_data_say_how_to_make_it_again(run: AttackRun) -> None:
    values = json.loads(export(run, "json", PHOTO))
    assert values["config"] == run.config.to_json()
    assert values["command"] == attack_command(run.config)
    assert {"commit", "versions", "checkpoints", "device", "threads", "date"} <= set(values)
    assert values["lanes"]["zero"]["images"] == ["0_zero_00.png", "0_zero_01.png"]
    assert str(run.folder.parent) not in json.dumps(values)


def test_files_are_named_by_numbers_alone(run: AttackRun) -> None:
    named = replace(run, name="../../evil")
    assert [file_name(named, kind) for kind in FILE_TYPES] == [
        f"attack-identity-7-seed-3.{kind}" for kind in FILE_TYPES
    ]
    with pytest.raises(ConfigError, match="no 'exe' download"):
        export(run, "exe", PHOTO)


def test_only_what_differs_is_listed(run: AttackRun) -> None:
    other = replace(
        run,
        config=replace(run.config, seed=4),
        report={**run.report, "precision": "bf16", "date": "2020-01-01T00:00:00+00:00"},
    )
    found = {d["setting"]: (d["first"], d["second"]) for d in setting_differences(run, other)}
    assert found == {"seed": ("3", "4"), "precision": ("fp32", "bf16")}
    assert setting_differences(run, run) == []


def test_a_repetition_is_the_same_to_the_bit(
    run: AttackRun, attacker: Attacker, zoo: Zoo, compute: Compute
) -> None:
    assert run.origin.changes_since(zoo, compute) == []
    last = [frame for frame in attacker.run(run.config) if run.ended_at(frame)]
    assert len(last) == 1
    result = pictures_repetition(run, last[0])
    assert result.is_identical
    assert result.total == 4


def test_a_changed_pixel_and_other_weights_are_noticed(
    run: AttackRun, frames: list[AttackFrame], zoo: Zoo, compute: Compute
) -> None:
    lanes = [replace(lane, images=lane.images.copy()) for lane in frames[-1].lanes]
    pixel = lanes[0].images[0, 5, 5]
    pixel[0] = pixel[0] + 9 if pixel[0] < 200 else pixel[0] - 9
    result = pictures_repetition(run, replace(frames[-1], lanes=tuple(lanes)))
    assert (result.same, result.total, result.largest) == (3, 4, "9 of 255 in a colour value")
    run.report["checkpoints"]["zero"] = "0" * 64
    run.report["threads"] += 1
    assert [change.split()[0] for change in run.origin.changes_since(zoo, compute)] == [
        "zero",
        "threads",
    ]
