"""Files that try to run something: the trace they would leave never appears.

Every payload is real: the first test hands each of them to Python's own unpickler, which runs it.
"""

from __future__ import annotations

import builtins
import copyreg
import importlib
import io
import os
import pickle
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from mia_demo.cli import main
from tests.unit.convert.nvidia_pickles import network_pickle

HERE = __name__.encode()
EXTENSION = 42


class Call:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


class SetsState:
    def __setstate__(self, state: str) -> None:
        Path(state).touch()


class MadeAnew:
    def __new__(cls, path: str) -> MadeAnew:
        Path(path).touch()
        return super().__new__(cls)


def leave_trace(path: str) -> None:
    Path(path).touch()


def text(value: object) -> bytes:
    """BINUNICODE."""
    data = str(value).encode()
    return b"X" + struct.pack("<I", len(data)) + data


def touch(witness: Path) -> str:
    return f"touch {witness}"


# name -> (pickle that leaves a trace at the path, words of the refusal)
PAYLOADS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "os.system by GLOBAL": (
        lambda w: pickle.dumps(Call(os.system, touch(w)), 2),
        "posix.system",
    ),
    "os.system by STACK_GLOBAL": (
        lambda w: pickle.dumps(Call(os.system, touch(w)), 4),
        "posix.system",
    ),
    "a name inside of torch": (
        lambda w: b"\x80\x04" + text("torch") + text("serialization.os.system") + b"\x93"
        + text(touch(w)) + b"\x85R.",
        "torch.serialization.os.system",
    ),
    "builtins.eval": (
        lambda w: pickle.dumps(Call(builtins.eval, f"open({str(w)!r}, 'w').close()"), 4),
        "builtins.eval",
    ),
    "builtins.exec": (
        lambda w: pickle.dumps(Call(builtins.exec, f"open({str(w)!r}, 'w').close()"), 3),
        "builtins.exec",
    ),
    "subprocess": (
        lambda w: pickle.dumps(Call(subprocess.check_call, ["touch", str(w)]), 4),
        "subprocess.check_call",
    ),
    "importlib": (
        lambda w: pickle.dumps([Call(importlib.import_module, "runs_at_import")], 4),
        "importlib.import_module",
    ),
    "a module that runs when imported": (
        lambda w: b"\x80\x02cruns_at_import\n__name__\n.",
        "runs_at_import.__name__",
    ),
    "a method found by getattr": (
        lambda w: pickle.dumps(Call(w.touch), 4),
        "builtins.getattr",
    ),
    "INST": (
        lambda w: b"\x80\x02(" + text(touch(w)) + b"ios\nsystem\n.",
        "os.system",
    ),
    "OBJ": (
        lambda w: b"\x80\x02(cos\nsystem\n" + text(touch(w)) + b"o.",
        "os.system",
    ),
    "NEWOBJ": (
        lambda w: b"\x80\x02c" + HERE + b"\nMadeAnew\n" + text(w) + b"\x85\x81.",
        "MadeAnew",
    ),
    "NEWOBJ_EX": (
        lambda w: b"\x80\x04c" + HERE + b"\nMadeAnew\n" + text(w) + b"\x85}\x92.",
        "MadeAnew",
    ),
    "BUILD": (
        lambda w: b"\x80\x02c" + HERE + b"\nSetsState\n)\x81" + text(w) + b"b.",
        "SetsState",
    ),
    "EXT1": (
        lambda w: b"\x80\x02\x82\x2a" + text(w) + b"\x85R.",
        "EXT1 (42)",
    ),
    "EXT2": (
        lambda w: b"\x80\x02\x83\x2a\x00" + text(w) + b"\x85R.",
        "EXT2 (42)",
    ),
}  # fmt: skip


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The trace; in a process where every payload works: registered and importable."""
    path = tmp_path / "executed"
    (tmp_path / "runs_at_import.py").write_text(f"open({str(path)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    copyreg.add_extension(__name__, "leave_trace", EXTENSION)
    yield path
    copyreg.remove_extension(__name__, "leave_trace", EXTENSION)
    sys.modules.pop("runs_at_import", None)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, data: bytes) -> str:
    source = folder / "network.weights"
    source.write_bytes(data)
    assert main(["convert", str(source), "--output", str(folder / "zoo")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert not (folder / "zoo").exists()
    return captured.err


def as_network_pickle(payload: bytes) -> bytes:
    return payload


def as_attribute(payload: bytes) -> bytes:
    """Deep inside of what a network pickle says about its training."""
    return b"\x80\x04}" + text("training_set_kwargs") + b"}" + text("path") + payload[:-1] + b"ss."


def as_legacy_torch(payload: bytes) -> bytes:
    """A file of torch's older format with the payload where its data belongs."""
    stream = io.BytesIO()
    torch.save({}, stream, _use_new_zipfile_serialization=False)
    head, _, tail = stream.getvalue().rpartition(pickle.dumps({}, 2))
    return head + payload + tail


def as_zip(payload: bytes, numbers: dict[str, bytes] | None = None) -> bytes:
    """A file of torch's present format with the payload where its data belongs."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/version", "3\n")
        for key, data in (numbers or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return stream.getvalue()


def with_blob(blob: bytes) -> bytes:
    """A network pickle with one number, whose storage is the torch file ``blob``."""
    return (
        b"\x80\x03ctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\nB"
        + struct.pack("<I", len(blob)) + blob + b"\x85RK\x00K\x01\x85K\x01\x85\x89}tR."
    )  # fmt: skip


def as_storage(payload: bytes) -> bytes:
    return with_blob(as_legacy_torch(payload))


WRAPPINGS = [as_network_pickle, as_attribute, as_storage, as_legacy_torch, as_zip]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_payloads_are_real(witness: Path, payload: str) -> None:
    make, _ = PAYLOADS[payload]
    pickle.loads(make(witness))  # noqa: S301, what a careless program would do
    assert witness.exists()


@pytest.mark.parametrize("wrapped", WRAPPINGS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_of_the_file_runs(
    capsys, tmp_path: Path, witness: Path, payload: str, wrapped: Callable[[bytes], bytes]
) -> None:
    make, words = PAYLOADS[payload]
    message = refused(capsys, tmp_path, wrapped(make(witness)))
    assert words in message
    assert "nothing of it was executed" in message
    assert not witness.exists()


ORDERED = b"ccollections\nOrderedDict\n)R"
NESTED_TUPLES = b"K\x01" + b"2\x86" * 60  # DUP, TUPLE2: hashing it would never end


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (text("id") + b"Q", "persistent id"),
        (b"Pid\n", "persistent id"),
        (b"}" + text("x") + b"b", "sets attributes of a dict (BUILD)"),
        (b"ccollections\nOrderedDict\n}b", "sets attributes of collections.OrderedDict (BUILD)"),
        (ORDERED + text("x") + b"a", "adds items to a OrderedDict"),
        (b"ccollections\nOrderedDict\nK\x01a", "adds items to collections.OrderedDict"),
        (b"K\x05)R", "calls something without a name"),
        (text("x") + b"K\x01\x93", "names something without words"),
        (b"}" + NESTED_TUPLES + b"K\x01s", "uses a tuple as a key"),
        (b"\x8f(" + NESTED_TUPLES + b"\x90", "uses a tuple as a key"),
        (b"(" + NESTED_TUPLES + b"\x91", "uses a tuple as a key"),
        (b"cevil\x1b[31m\n\x07name\n", r"evil\x1b[31m.\x07name"),
        (b"c" + b"a" * 10_000 + b"\nb\n", "a" * 100 + "..."),
    ],
)
def test_abuse_of_the_machine_is_named(capsys, tmp_path: Path, body: bytes, words: str) -> None:
    message = refused(capsys, tmp_path, b"\x80\x04" + body + b".")
    assert words.removesuffix("...") in message
    assert len(message) < 600


def storage_id(length: int, key: str = "0", kind: str = "storage") -> bytes:
    """BINPERSID of a float32 storage."""
    number = b"\x8a\x08" + struct.pack("<q", length)
    return b"(" + text(kind) + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number + b"tQ"


def tensor(storage: bytes, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    def number(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(shape)
        + numbers(stride) + b"\x89}tR"
    )  # fmt: skip


FOUR = {"0": bytes(16)}  # four numbers
HUGE = 1 << 60


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", HUGE) + b"x.",  # BINBYTES8
        b"\x80\x04\x8d" + struct.pack("<Q", HUGE) + b"x.",  # BINUNICODE8
        b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",  # LONG4
        b"\x80\x04\x95" + struct.pack("<Q", HUGE) + b"K",  # FRAME
        b"\x80\x04r" + struct.pack("<I", 2**32 - 1) + b".",  # a memo key without a value
        b"\x80\x04(((((((",
        as_zip(b"\x80\x02" + storage_id(HUGE) + b".", FOUR),
        as_zip(b"\x80\x02" + storage_id(5) + b".", FOUR),
        as_zip(b"\x80\x02" + storage_id(4, "1") + b".", FOUR),
        as_zip(b"\x80\x02" + storage_id(-4) + b".", FOUR),
        as_zip(b"\x80\x02" + storage_id(4, kind="module") + b".", FOUR),
        as_zip(b"\x80\x02" + storage_id(4) + storage_id(3) + b"\x86.", FOUR),
        as_zip(b"\x80\x02" + tensor(storage_id(4), 0, (5,), (1,)) + b".", FOUR),
        as_zip(b"\x80\x02" + tensor(storage_id(4), 4, (1,), (1,)) + b".", FOUR),
        as_zip(b"\x80\x02" + tensor(storage_id(4), -1, (1,), (1,)) + b".", FOUR),
        as_zip(b"\x80\x02" + tensor(storage_id(4), 0, (HUGE,), (0,)) + b".", FOUR),
        as_zip(b"\x80\x02" + tensor(storage_id(4), 0, (1,), (-1,)) + b".", FOUR),
        as_legacy_torch(b"\x80\x02" + storage_id(HUGE) + b"."),
        with_blob(as_legacy_torch(b"\x80\x02" + storage_id(HUGE) + b".")),
        with_blob(b"no file of torch"),
    ],
)  # fmt: skip
def test_claims_beyond_the_file_cost_nothing(capsys, tmp_path: Path, data: bytes) -> None:
    tracemalloc.start()
    message = refused(capsys, tmp_path, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    words = ("damaged", "claims other sizes", "not a PyTorch file")
    assert any(expected in message for expected in words)
    assert peak < 10_000_000


def test_names_that_double_and_double_are_refused(capsys, tmp_path: Path) -> None:
    name = b"cpathlib\nPosixPath\nq\x000X" + struct.pack("<I", 1000) + b"a" * 1000 + b"q\x010"
    doubled = b"h\x00h\x01h\x01\x86Rq\x010"  # the path of itself and itself
    tracemalloc.start()
    message = refused(capsys, tmp_path, b"\x80\x02" + name + doubled * 40 + b"h\x01.")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "damaged" in message
    assert peak < 10_000_000


def test_endless_programs_are_stopped(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mia_demo.convert.restricted_pickle.MAX_OPERATIONS", 1000)
    message = refused(capsys, tmp_path, b"\x80\x04" + b"(" * 2000 + b".")
    assert "more than 1,000 pickle operations" in message


def test_one_storage_is_not_read_again_and_again(capsys, tmp_path: Path) -> None:
    blob = as_legacy_torch(b"\x80\x02}.")
    load = b"ctorch.storage\n_load_from_bytes\nq\x010B" + struct.pack("<I", len(blob)) + blob
    body = load + b"\x85q\x020" + b"h\x01h\x02R0" * 1000
    started = time.process_time()
    assert "damaged" in refused(capsys, tmp_path, b"\x80\x03" + body + b".")
    assert time.process_time() - started < 2


def module(class_name: str, modules: bytes, parameters: bytes = b"}") -> bytes:
    """A persistent module; ``modules`` and ``parameters`` are pickled dicts."""
    state = (
        b"}(" + text("_parameters") + parameters + text("_buffers") + b"}" + text("_modules")
        + modules + b"u"
    )  # fmt: skip
    meta = (
        b"}(" + text("type") + text("class") + text("version") + b"K\x06" + text("module_src")
        + text("") + text("class_name") + text(class_name) + text("state") + state + b"u"
    )  # fmt: skip
    return b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + b"\x85R"


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        # _modules is remembered (q1), then holds the module itself.
        (module("Generator", b"}q\x01") + b"q\x020h\x01" + text("m") + b"h\x02s0h\x02",
         "more than 1000 modules"),
        (module("Generator", b"}" + text("m") + b"K\x01s"), "m is not a module"),
        (module("Generator", b"}", b"}" + text("p") + b"K\x01s"), "p is not a tensor"),
        (module("Generator", b"}", b"}" + text("\x1b[2J") + b"Ns"), "unusable _parameters"),
        (module("Generator", b"]"), "unusable _modules"),
        (module("Discriminator", b"}"), "holds no G_ema"),
        (b"}", "holds no G_ema"),
    ],
)  # fmt: skip
def test_odd_trees_of_modules_are_refused(
    capsys, tmp_path: Path, generator: bytes, words: str
) -> None:
    data = b"\x80\x04}" + text("G_ema") + generator + b"s."
    assert words in refused(capsys, tmp_path, data)


@pytest.mark.parametrize("kind", ["network pickle", "zip", "legacy"])
def test_cut_and_altered_files_end_with_one_line(
    capsys, tmp_path: Path, witness: Path, kind: str
) -> None:
    """Whatever byte is wrong: a checkpoint or one sentence, never a crash, never a trace."""
    state = {"mapping.fc0.weight": torch.zeros(4, 4), "mapping.w_avg": torch.zeros(4)}
    stream = io.BytesIO()
    if kind == "network pickle":
        stream.write(network_pickle(state, witness))
    else:
        torch.save(state, stream, _use_new_zipfile_serialization=kind == "zip")
    whole = stream.getvalue()
    rng = random.Random(0)  # noqa: S311, no secrets here
    for _ in range(60):
        refused(capsys, tmp_path, whole[: rng.randrange(len(whole))])
        altered = bytearray(whole)
        for _ in range(3):
            altered[rng.randrange(len(whole))] = rng.randrange(256)
        refused(capsys, tmp_path, bytes(altered))
    assert not witness.exists()


def test_entries_that_share_their_bytes_are_refused_before_they_are_read(
    capsys, tmp_path: Path
) -> None:
    path, shared = tmp_path / "plain.pt", tmp_path / "shared.pt"
    torch.save({f"layer{n}": torch.zeros(10_000) for n in range(40)}, path)
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(shared, "w") as archive:
        archive.writestr("plain/data.pkl", plain.read("plain/data.pkl"))
        archive.writestr("plain/data/0", bytes(40_000))
        for key in range(1, 40):
            again = copy(archive.getinfo("plain/data/0"))
            again.filename = f"plain/data/{key}"
            archive.filelist.append(again)
    assert shared.stat().st_size < 60_000  # of 1.6 MB that the entries claim
    assert "claims other sizes than it holds" in refused(capsys, tmp_path, shared.read_bytes())


def test_tensors_that_share_one_storage_are_not_copied_without_end(capsys, tmp_path: Path) -> None:
    numbers = torch.zeros(10_000)
    torch.save({f"layer{n}": numbers for n in range(40)}, tmp_path / "views.pt")
    said = refused(capsys, tmp_path, (tmp_path / "views.pt").read_bytes())
    assert "reuses the same numbers too often" in said


def test_keys_whose_hashes_collide_take_no_time(capsys, tmp_path: Path) -> None:
    huge = b"".join(
        b"\x8a\x0b" + (n * (2**61 - 1)).to_bytes(11, "little") + b"N" for n in range(1, 20_000)
    )
    started = time.process_time()
    said = refused(capsys, tmp_path, b"\x80\x02}(" + huge + b"u.")
    assert "uses huge numbers as keys" in said
    assert time.process_time() - started < 2
