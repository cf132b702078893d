"""Recorded results: finished sweeps and attacks that are shipped with a zoo and quoted in texts.

A text quotes a sweep between ``<!-- results: NAME -->`` and ``<!-- end of results -->``, or the
least of it after ``<!-- glance: NAME -->``; what is between the two is written here, so that no
figure is ever copied by hand.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import CheckpointError, DataError
from mia_demo.recipes.model_card import write_model_card
from mia_demo.report.text import (
    all_tables,
    glance_markdown,
    record_sentence,
    results_markdown,
    save_report,
)
from mia_demo.runs.attack_run import RUN_FILE, load_attack, save_attack
from mia_demo.runs.replay import REPLAY_FIGURES, REPLAY_PICTURES, ReplayRecorder
from mia_demo.runs.report import attack_report
from mia_demo.runs.store import RECORDED_RUNS
from mia_demo.sweep.board import BOARD_FOLDER, load_rows, row_files, save_row
from mia_demo.sweep.board_joining import can_join, joined
from mia_demo.sweep.library import RECORDED_FOLDER
from mia_demo.sweep.provenance import changed_since
from mia_demo.sweep.results import Record, SweepResults, load_results
from mia_demo.system.device import Compute
from mia_demo.system.files import write_bytes, write_json
from mia_demo.zoo.reading import Zoo

RESULTS_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
RECORDED_PEOPLE = 12  # whom the page can show at once
RECORDED_PRESET, RECORDED_SEED = "standard", 0  # those of the recorded sweep
QUOTE = re.compile(r"(<!-- (results|glance): (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def record_sweep(zoo: Zoo, sweep: Path, name: str) -> SweepResults:
    """Copies a finished sweep's results into the zoo and onto its model card.

    Args:
        sweep: folder of ``save_report``.
        name: lower-case letters, digits and underscores.

    Raises:
        DataError: the name is malformed, or the sweep cannot be read.
        CheckpointError: the zoo lies on the Hub.
    """
    _check_writable(zoo)
    if not RESULTS_NAME.fullmatch(name):
        raise DataError(
            f"{name!r} is not a valid name for results; use lower-case letters and digits."
        )
    results = load_results(sweep)
    save_report(results, zoo.root / RECORDED_FOLDER / name)
    write_model_card(zoo, recorded_sections(zoo))
    return results


def record_board(zoo: Zoo, board: Path) -> list[str]:
    """Puts the finished rows of a board beside those that the zoo has.

    A row that it has of the same networks and settings gains people and attacks; one of others is
    replaced.

    Args:
        board: folder of ``shield --output``.

    Returns:
        Targets of all recorded rows.

    Raises:
        DataError: no row is finished.
        CheckpointError: the zoo lies on the Hub.
    """
    _check_writable(zoo)
    rows = load_rows(board)
    if not rows:
        raise DataError(f"{board} holds no finished row of a board; run shield with this --output.")
    folder = zoo.root / RECORDED_FOLDER / BOARD_FOLDER
    recorded = {row.lane: row for row in load_rows(folder)}
    for row in rows:
        old = recorded.get(row.lane)
        if old and can_join(old, row):
            save_row(*joined(old, folder, row, board), folder)
            continue
        for file in row_files(board, row.lane):
            write_bytes(folder / file.name, file.read_bytes())
    return [row.lane for row in load_rows(folder)]


def recorded_sections(zoo: Zoo) -> str:
    """All recorded results as the model card shows them."""
    return "\n".join(_section(zoo, name) for name in recorded_names(zoo))


def record_attack(zoo: Zoo, attack: Path, name: str) -> list[str]:
    """Copies a finished attack with its recording into the zoo.

    Args:
        attack: folder of ``attack --output``.

    Returns:
        Names of all recorded attacks.

    Raises:
        DataError: the name is malformed, or the attack was stopped or has no recording.
        CheckpointError: the zoo lies on the Hub.
    """
    _check_writable(zoo)
    if not RESULTS_NAME.fullmatch(name):
        raise DataError(
            f"{name!r} is not a valid name for a run; use lower-case letters and digits."
        )
    run = load_attack(attack, name, is_recorded=True)
    if not run.is_complete or run.replay() is None:
        raise DataError(f"{attack} holds no finished attack with its recording; attack again.")
    folder = zoo.root / RECORDED_RUNS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lanes = {}
    for lane, values in run.report["lanes"].items():
        images = [Path(path).name for path in values["images"]]
        lanes[lane] = {**values, "images": images}
        for image in images:
            shutil.copyfile(attack / image, folder / image)
    for file in (REPLAY_PICTURES, REPLAY_FIGURES):
        shutil.copyfile(attack / file, folder / file)
    write_json(folder / RUN_FILE, {**run.report, "lanes": lanes})
    return sorted(path.parent.name for path in folder.parent.glob(f"*/{RUN_FILE}"))


def recorded_identities(count: int) -> list[int]:
    """Whose attacks are recorded: numbers spread evenly over all, whatever comes out."""
    return [k * count // RECORDED_PEOPLE for k in range(min(RECORDED_PEOPLE, count))]


def record_people(zoo: Zoo, compute: Compute) -> Iterator[int]:
    """Attacks ``recorded_identities`` and puts these recordings in the place of all others.

    Yields:
        Each identity, once it is attacked.

    Raises:
        DemoError: an attack fails, or the folder cannot be written.
    """
    _check_writable(zoo)
    attacker, lanes = Attacker(zoo, compute), tuple(zoo.default_lanes())
    numbers = recorded_identities(len(zoo.identities()))
    with TemporaryDirectory() as work:
        for identity in numbers:
            config = preset_config(
                RECORDED_PRESET, identity=identity, seed=RECORDED_SEED, lanes=lanes
            )
            recorder = ReplayRecorder()
            frame: AttackFrame | None = None
            for frame in attacker.run(config):
                recorder.add(frame)
            assert frame is not None
            report = attack_report(zoo, config, compute, frame)
            folder = Path(work) / str(identity)
            save_attack(folder, report, frame, recorder.replay(), shown_as=folder)
            yield identity
        # Only now, so that a commit's own files were unchanged while it attacked.
        shutil.rmtree(zoo.root / RECORDED_RUNS, ignore_errors=True)
        for identity in numbers:
            record_attack(zoo, Path(work) / str(identity), f"identity_{identity}")


def recorded_names(zoo: Zoo) -> list[str]:
    """Names of recorded results, ``standard`` first."""
    folders = (zoo.root / RECORDED_FOLDER).glob("*/results.json")
    return sorted(
        (path.parent.name for path in folders), key=lambda name: (name != "standard", name)
    )


def quote_results(zoo: Zoo, text: Path) -> None:
    """Updates every quotation of the zoo's recorded results in ``text``."""
    write_bytes(text, requoted(zoo, text.read_text("utf-8")).encode())


def requoted(zoo: Zoo, text: str) -> str:
    """A text with its quotations brought up to date."""

    def quoted(match: re.Match[str]) -> str:
        results = load_results(zoo.root / RECORDED_FOLDER / match[3])
        if match[2] == "glance":
            return f"{match[1]}{glance_markdown(results.rows)}{match[4]}"
        table = results_markdown(results.rows, main_only=True)
        return f"{match[1]}{_recorded(zoo, results.record)}\n\n{table}{match[4]}"

    return QUOTE.sub(quoted, text)


def _check_writable(zoo: Zoo) -> None:
    if zoo.origin:
        raise CheckpointError(
            f"{zoo.origin} is only read; record into a folder and publish that as a new commit."
        )


def _section(zoo: Zoo, name: str) -> str:
    results = load_results(zoo.root / RECORDED_FOLDER / name)
    return f"### {name}\n\n{_recorded(zoo, results.record)}\n\n{all_tables(results)}"


def _recorded(zoo: Zoo, record: Record) -> str:
    return f"Recorded {record_sentence(record)} {changed_since([record], zoo)}".rstrip()
