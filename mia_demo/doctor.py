"""Checks of an installation, each with a remedy."""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from mia_demo.errors import DemoError
from mia_demo.runs import RUNS
from mia_demo.system import space
from mia_demo.system.arithmetic import cpu_arithmetic
from mia_demo.system.device import choose_compute
from mia_demo.system.files import is_writable, nearest_existing
from mia_demo.zoo.accuracy import measure_accuracies
from mia_demo.zoo.hub.address import is_hub_address
from mia_demo.zoo.hub.checks import cache_state, reach_hub
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.reading import Zoo

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
NEEDED_BYTES = 500_000_000
RESTORE = "Restore checkpoints/ or run make-zoo."
DROP = "Open it again, or drop the cached copy with `hf cache rm` and open it then."

Check = dict[str, Any]


def run_checks(
    location: str | None, device: str, *, online: bool = False, accuracy: bool = False
) -> list[Check]:
    """All checks; those that fail come with a remedy.

    Args:
        location: zoo folder or ``hf://`` address (asks the Hub); None: the embedded zoo.
        device: requested device.
        online: also try to reach the Hub.
        accuracy: also measure every classifier on the zoo's test images.
    """
    checks = [_python(), *_packages(), _device(device), *_space()]
    is_remote = bool(location) and is_hub_address(str(location))
    zoo: Zoo | None = None
    try:
        zoo = open_zoo(location)
    except DemoError as error:
        remedy = "Fix that problem; without --zoo the embedded zoo is used."
        checks.append(_check("zoo", False, str(error), remedy if is_remote else RESTORE))
    if zoo:
        checks += [_zoo(zoo), *_hashes(zoo)]
        if accuracy:
            checks += _accuracies(zoo, device)
    checks.append(_disk(RUNS))
    checks.append(_cache())
    if online or is_remote:
        checks.append(_hub(is_needed=zoo is None or online))
    return checks


def _check(name: str, ok: bool, found: str, remedy: str) -> Check:
    return {"name": name, "ok": ok, "found": found, "remedy": "" if ok else remedy}


def _python() -> Check:
    found = sys.version.split()[0]
    return _check("python", sys.version_info >= (3, 10), found, "Install Python 3.10 or newer.")


def _packages() -> list[Check]:
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    return [_package(Requirement(line)) for line in lines]


def _package(needed: Requirement) -> Check:
    remedy = "Run: python -m pip install -r requirements.txt"
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return _check(needed.name, False, "not installed", remedy)
    if needed.specifier.contains(found, prereleases=True):
        return _check(needed.name, True, found, "")
    return _check(needed.name, False, f"{found}, needed is {needed.specifier}", remedy)


def _device(name: str) -> Check:
    try:
        compute = choose_compute(name)
    except DemoError as error:
        return _check("device", False, str(error), "Use --device auto.")
    why = f" ({cpu_arithmetic().reason})" if compute.device.type == "cpu" else ""
    return _check("device", True, f"{compute.label}{why}", "")


def _space() -> list[Check]:
    """Of the Space that this is; none elsewhere."""
    name = space.space_name()
    if not name:
        return []
    checks = [_check("space", True, f"{name}: {space.hardware()}", "")]
    if space.is_zero_gpu():
        remedy = "Choose ZeroGPU in the Space's settings again, or another hardware."
        if "SPACES_ZERO_DEVICE_API_URL" not in os.environ:
            checks.append(_check("zerogpu", False, "nobody to ask for a GPU", remedy))
        else:
            needed = Requirement("spaces")
            lent = {"name": "zerogpu", "remedy": "Add spaces to requirements.txt."}
            checks.append({**_package(needed), **lent})
    return checks


def _zoo(zoo: Zoo) -> Check:
    files = zoo.listed_files()
    size = sum(stored.bytes for stored in files) / 1e6
    return _check("zoo", True, f"{zoo.origin or zoo.root}, {len(files)} files, {size:.1f} MB", "")


def _hashes(zoo: Zoo) -> list[Check]:
    checks = []
    files = [(part.file, part) for part in zoo.manifest.identities]
    files += [(entry.name, entry.stored) for entry in zoo.manifest.checkpoints]
    for name, stored in files:
        try:
            zoo.verified_path(stored)
            found = f"{stored.bytes:,} bytes, sha256 {stored.sha256[:12]}"
            checks.append(_check(f"zoo {name}", True, found, ""))
        except DemoError as error:
            remedy = DROP if zoo.origin else "Restore it or run make-zoo."
            checks.append(_check(f"zoo {name}", False, str(error), remedy))
    return checks


def _accuracies(zoo: Zoo, device: str) -> list[Check]:
    checks = []
    try:
        for result in measure_accuracies(zoo, choose_compute(device)):
            stated = "none" if result.stated is None else f"{result.stated:.2%}"
            found = f"{result.measured:.2%} of {result.images} test images, stated: {stated}"
            remedy = "These are not the weights or images that were measured; get the zoo anew."
            checks.append(_check(f"accuracy {result.name}", result.agrees, found, remedy))
    except DemoError as error:
        checks.append(_check("accuracy", False, str(error), "Get the zoo anew or run make-zoo."))
    return checks


def _disk(folder: Path) -> Check:
    if not is_writable(folder):
        remedy = "Make it writable, or put the demo where it may write."
        return _check("disk", False, f"{folder} cannot be written", remedy)
    free = shutil.disk_usage(nearest_existing(folder)).free
    found = f"{free / 1e9:.1f} GB free for {folder}"
    remedy = f"Free at least {NEEDED_BYTES // 1_000_000} MB for runs and temporary files."
    return _check("disk", free > NEEDED_BYTES, found, remedy)


def _cache() -> Check:
    state = cache_state()
    found = f"{state.folder}, {state.total_bytes / 1e6:.1f} MB in {state.repositories} repositories"
    if not state.is_writable:
        found += ", cannot be written"
    remedy = "Make it writable, or set HF_HOME to a folder that is; the embedded zoo needs none."
    return _check("hub cache", state.is_writable, found, remedy)


def _hub(*, is_needed: bool) -> Check:
    try:
        return _check("hub", True, reach_hub(), "")
    except DemoError as error:
        if not is_needed:
            return _check("hub", True, f"{error} Not needed: the zoo is cached.", "")
        remedy = "Check network and proxy; the embedded zoo needs no Hub."
        return _check("hub", False, str(error), remedy)
