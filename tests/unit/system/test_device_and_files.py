"""Device choice, atomic writes, and tied random numbers."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mia_demo.errors import ConfigError, DeviceError
from mia_demo.system import device as device_module
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


@pytest.fixture
def one_card(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes torch see one NVIDIA card of this generation, which emulates bfloat16 if it must."""

    def put(major: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.version, "cuda", "12.8")
        monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)
        properties = SimpleNamespace(major=major)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)

    return put


@pytest.mark.parametrize(("major", "precision"), [(7, "fp32"), (8, "bf16"), (9, "bf16")])
def test_emulated_bfloat16_is_not_chosen(
    one_card: Callable[[int], None], major: int, precision: str
) -> None:
    one_card(major)  # 7 is a T4, 8 an A100, 9 an H100
    assert choose_compute("auto").precision == precision


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes torch see Apple's GPU, with or without the gradient of antialiased resizing."""

    class Resized(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, images: torch.Tensor) -> torch.Tensor:
            return images[..., ::2, ::2].clone()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            raise NotImplementedError("aten::_upsample_bilinear2d_aa_backward.grad_input on MPS")

    def put(whole: bool) -> None:
        ones = torch.ones
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        monkeypatch.setattr(
            device_module.torch, "ones", lambda *shape, device, **more: ones(*shape, **more)
        )
        if not whole:
            resize = lambda images, **options: Resized.apply(images)  # noqa: E731
            monkeypatch.setattr(device_module.F, "interpolate", resize)

    return put


def test_apples_gpu_is_used_if_it_can_attack(apple: Callable[[bool], None]) -> None:
    apple(True)
    assert choose_compute("auto").device == torch.device("mps")
    assert choose_compute("mps").precision == "fp32"


def test_apples_gpu_without_a_kernel_leaves_attacks_to_the_cpu(
    apple: Callable[[bool], None], caplog: pytest.LogCaptureFixture
) -> None:
    apple(False)
    assert choose_compute("auto").device == torch.device("cpu")
    (word,) = caplog.messages
    assert word.startswith("The CPU is used: torch ")
    assert "antialiased resizing" in word
    with pytest.raises(DeviceError, match="PYTORCH_ENABLE_MPS_FALLBACK=1"):
        choose_compute("mps")


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
