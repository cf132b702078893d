"""The command line that repeats a run."""

import shlex

from mia_demo import PROGRAM
from mia_demo.attack.config import PRESETS, AttackConfig, preset_config
from mia_demo.errors import DataError
from mia_demo.sweep.results import Record
from mia_demo.system.json_files import checked
from mia_demo.training.config import TrainConfig


def attack_command(config: AttackConfig) -> str:
    """The command that repeats an attack; parsed, it gives the same configuration."""
    return _joined(
        ["attack", "--identity", str(config.identity), *_settings(config)],
        ["--seed", str(config.seed)],
    )


def sweep_command(record: Record) -> str:
    """The command that repeats a sweep, into a new folder."""
    return _joined(
        ["sweep", "--identities", compact_numbers(record.identities)],
        _settings(sweep_config(record)),
        ["--seeds", compact_numbers(record.seeds), "--output", "runs/repeated-sweep"],
    )


def sweep_config(record: Record) -> AttackConfig:
    """The settings of a sweep's attacks, but for identity and seed.

    Raises:
        DataError: they are damaged.
    """
    settings = {**record.settings, "identity": 0, "seed": 0, "lanes": record.lanes}
    try:
        return checked(AttackConfig, settings, "settings")
    except ValueError as error:
        raise DataError(f"The settings of this sweep are damaged ({error}).") from error


def training_command(config: TrainConfig, images: int) -> str:
    """The command that repeats a training with so many images per identity, into a new folder."""
    defence = ["--defence", config.defence]
    for name, value in config.strengths.items():
        defence += ["--set", f"{name}={value}"]
    return _joined(
        ["train", f"--alpha={config.alpha}", *defence, "--photos", str(images)],
        ["--epochs", str(config.epochs), "--batch-size", str(config.batch_size)],
        ["--learning-rate", f"{config.learning_rate}"],
        ["--milestones", *(f"{share}" for share in config.milestones)],
        ["--phases", *(f"{share}" for share in config.phases)],
        ["--architecture", config.architecture, "--initial-weights", config.initial_weights],
        ["--seed", str(config.seed)],
        ["--output", "runs/repeated-training"],
    )


def _settings(config: AttackConfig) -> list[str]:
    """The preset that needs the fewest changes to give the same settings, and these.

    Presets differ between versions: an older version's "quick" may be today's with a change.
    """
    neutral = {"identity": config.identity, "lanes": config.lanes, "seed": config.seed}
    wanted = config.to_json()
    found = []
    for preset in PRESETS:
        base = preset_config(preset, **neutral)
        given = base.to_json()
        changed = {k: v for k, v in wanted.items() if v != given[k] and k != "preset"}
        is_renamed = preset_config(preset, **neutral, **changed) != config
        found.append((is_renamed, len(changed), preset, changed))
    *_, preset, changed = min(found, key=lambda choice: choice[:2])
    arguments = ["--preset", preset]
    for name, value in changed.items():
        arguments += ["--set", f"{name}={value}"]
    return [*arguments, f"--lanes={','.join(config.lanes)}"]


def compact_numbers(numbers: list[int]) -> str:
    """[0, 1, 2, 7] -> "0-2,7", in the given order."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _joined(*parts: list[str]) -> str:
    return f"{PROGRAM} {shlex.join(argument for part in parts for argument in part)}"
