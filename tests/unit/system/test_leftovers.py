"""What a killed process left is swept at the next start; what is being written is not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mia_demo.system import leftovers
from mia_demo.system.files import replacing
from mia_demo.system.leftovers import is_idle, sweep_leftovers, sweep_temporary_files


def killed_write(path: Path) -> Path:
    """What ``replacing`` leaves when the process is killed, some minutes ago."""
    with replacing(path) as temporary:
        left = temporary.with_name(temporary.name.replace(".tmp", "x.tmp"))
        left.write_bytes(b"half")
    return aged(left)


def aged(path: Path, seconds: float = 300) -> Path:
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_interrupted_writing_is_swept_at_any_depth(tmp_path: Path) -> None:
    left = [killed_write(tmp_path / place) for place in ("run.json", "training/a.safetensors")]
    with replacing(tmp_path / "now.json") as being_written:
        sweep_temporary_files(tmp_path)
        assert being_written.exists()
    assert not any(path.exists() for path in left)
    assert (tmp_path / "run.json").exists()
    assert (tmp_path / "training" / "a.safetensors").exists()


def test_a_folder_is_idle_when_everything_in_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    photos = folder / "photos"
    photos.write_bytes(b"x")
    aged(folder)
    assert not is_idle(folder)
    aged(photos)
    assert is_idle(folder)


def test_what_is_too_fresh_to_tell_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[object] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, call: object, arguments: list[object]) -> None:
            again.append((seconds, call, arguments))

        def start(self) -> None: ...

    monkeypatch.setattr(leftovers.threading, "Timer", Timer)
    fresh = tmp_path / "fresh"
    fresh.write_bytes(b"x")
    sweep_leftovers(lambda: [fresh])
    assert fresh.exists()
    ((seconds, call, arguments),) = again
    assert seconds == leftovers.LEFTOVER_SECONDS
    aged(fresh)
    call(*arguments)
    assert not fresh.exists()


def test_a_folder_that_goes_while_it_is_searched_is_no_error(tmp_path: Path) -> None:
    left = killed_write(tmp_path / "run.json")

    def find() -> Iterator[Path]:
        yield left
        raise FileNotFoundError(tmp_path / "gone")

    sweep_leftovers(find)
    assert not left.exists()
