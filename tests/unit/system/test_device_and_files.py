"""Device choice, atomic writes, and tied random numbers."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch

from mia_demo.errors import ConfigError, DeviceError
from mia_demo.system.device import choose_compute
from mia_demo.system.files import is_writable, replacing, sha256_of, write_json, writing_to
from mia_demo.training.state import step_generator


def test_the_cpu_is_always_there() -> None:
    compute = choose_compute("cpu", "fp32")
    assert compute.precision == "fp32"
    assert compute.label.startswith("CPU, ")
    with compute.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    with choose_compute("cpu", "bf16").autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "message"), [("abacus", "No such device"), ("cuda:99", "not present")]
)
def test_absent_devices_are_named(name: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        choose_compute(name)


def test_every_process_of_a_host_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    devices = [choose_compute(name, "fp32", local_rank=1).device for name in ("auto", "cuda")]
    assert devices == [torch.device("cuda:1")] * 2
    assert choose_compute("cuda:0", "fp32", local_rank=1).device == torch.device("cuda:0")
    assert choose_compute("cpu", "fp32", local_rank=1).device == torch.device("cpu")
    with pytest.raises(DeviceError, match="--nproc-per-node of 2"):
        choose_compute("auto", "fp32", local_rank=2)


def test_unknown_precision() -> None:
    with pytest.raises(DeviceError, match="No such precision"):
        choose_compute("cpu", "int4")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "value.json"
    write_json(path, {"a": 1})
    before = sha256_of(path)
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half a fi")
        raise RuntimeError
    assert sha256_of(path) == before
    assert [child.name for child in path.parent.iterdir()] == ["value.json"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "make it writable"),
        (errno.EACCES, "make it writable"),
    ],
)
def test_a_failed_write_says_what_helps(tmp_path: Path, number: int, remedy: str) -> None:
    with pytest.raises(ConfigError) as failed, writing_to(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(failed.value).startswith(f"Cannot write to {tmp_path} ({os.strerror(number)}); ")
    assert remedy in str(failed.value)
    assert ("space" in str(failed.value)) == ("space" in remedy)


def test_whether_a_folder_is_writable_is_tried(tmp_path: Path) -> None:
    assert is_writable(tmp_path)
    assert is_writable(tmp_path / "not" / "made" / "yet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert not is_writable(tmp_path / "file")
    assert not is_writable(tmp_path / "file" / "below")


def test_a_path_that_is_no_unicode_is_written_as_valid_json(tmp_path: Path) -> None:
    odd = os.fsdecode(b"Ren\xe9")  # Latin-1, as old file systems have it
    write_json(tmp_path / "value.json", {"path": odd, "α": "é"})
    text = (tmp_path / "value.json").read_text("utf-8")
    assert json.loads(text) == {"path": odd, "α": "é"}
    assert '"α": "é"' in text


def test_steps_draw_their_own_repeatable_numbers() -> None:
    first = torch.rand(3, generator=step_generator(1, 5))
    assert torch.equal(first, torch.rand(3, generator=step_generator(1, 5)))
    assert not torch.equal(first, torch.rand(3, generator=step_generator(1, 6)))
