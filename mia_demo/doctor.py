"""Checks of an installation, each with its remedy."""

from __future__ import annotations

import shutil
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mia_demo.device import choose_compute
from mia_demo.errors import DemoError
from mia_demo.zoo import Zoo

PACKAGES = ("torch", "torchvision", "gradio", "numpy", "pillow", "huggingface-hub", "safetensors")
NEEDED_BYTES = 500_000_000
HUB = ("huggingface.co", 443)
HUB_TIMEOUT_SECONDS = 4.0

Check = dict[str, Any]


def run_checks(zoo: Path, device: str, *, online: bool) -> list[Check]:
    """All checks; ``ok`` False comes with a remedy.

    Args:
        zoo: folder whose hashes are checked.
        device: requested device.
        online: also try to reach the Hub (the only connection this makes).
    """
    checks = [_python(), *[_package(name) for name in PACKAGES], _device(device)]
    checks += [*_zoo(zoo), _disk(zoo)]
    if online:
        checks.append(_hub())
    return checks


def _check(name: str, ok: bool, found: str, remedy: str) -> Check:
    return {"name": name, "ok": ok, "found": found, "remedy": "" if ok else remedy}


def _python() -> Check:
    found = sys.version.split()[0]
    return _check("python", sys.version_info >= (3, 10), found, "Install Python 3.10 or newer.")


def _package(name: str) -> Check:
    remedy = "Run: python -m pip install -r requirements.txt"
    try:
        return _check(name, True, version(name), remedy)
    except PackageNotFoundError:
        return _check(name, False, "not installed", remedy)


def _device(name: str) -> Check:
    try:
        return _check("device", True, choose_compute(name).label, "")
    except DemoError as error:
        return _check("device", False, str(error), "Use --device auto.")


def _zoo(root: Path) -> list[Check]:
    try:
        zoo = Zoo(root)
    except DemoError as error:
        return [_check("zoo", False, str(error), "Restore checkpoints/ or run make-zoo.")]
    checks = []
    files = [(part.file, part) for part in zoo.manifest.identities]
    files += [(entry.name, entry.stored) for entry in zoo.manifest.checkpoints]
    for name, stored in files:
        try:
            zoo.verified_path(stored)
            found = f"{stored.bytes:,} bytes, sha256 {stored.sha256[:12]}"
            checks.append(_check(f"zoo {name}", True, found, ""))
        except DemoError as error:
            checks.append(_check(f"zoo {name}", False, str(error), "Restore it or run make-zoo."))
    return checks


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free
    remedy = f"Free at least {NEEDED_BYTES // 1_000_000} MB for runs and temporary files."
    return _check("disk", free > NEEDED_BYTES, f"{free / 1e9:.1f} GB free", remedy)


def _hub() -> Check:
    remedy = "Not needed for the embedded zoo; for --zoo hf:// check network and proxy."
    try:
        socket.create_connection(HUB, timeout=HUB_TIMEOUT_SECONDS).close()
        return _check("hub", True, f"{HUB[0]} answers", "")
    except OSError as error:
        return _check("hub", False, f"{HUB[0]} cannot be reached ({error})", remedy)
