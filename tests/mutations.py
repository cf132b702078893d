"""Seeded mutations of sound inputs, for ``tests.fuzz``."""

from __future__ import annotations

import copy
import json
import math
import random
import struct
from collections.abc import Callable
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

# What a JSON value may be replaced by.
ODD_VALUES = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**30, 10**400, 1e308, -0.5, "", "x", "../x", "\ud800",
    "<img src=x>", [], [1], {}, {"x": {}}, "0" * 64, "\0", [[[[[[[[[[[[1]]]]]]]]]]]],
)  # fmt: skip


ODD_NUMBERS = (0.0, 1e30, -1e30, 1e-40, math.nan, math.inf)


def mutated_bytes(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut out, doubled, or cut off."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) or 1)
        action = rng.randrange(5)
        if action == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif action == 1:
            changed[at : at + 4] = rng.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff" * 4))
        elif action == 2:
            del changed[at : at + rng.randrange(1, 64)]
        elif action == 3:
            changed[at:at] = changed[at : at + rng.randrange(1, 64)]
        else:
            changed = changed[:at] if rng.random() < 0.2 else changed
    return bytes(changed)


def mutated_tensors(rng: random.Random, data: bytes) -> bytes:
    """A safetensors file whose numbers, header or both are changed; half of them can be parsed."""
    if rng.random() < 0.2:
        return mutated_bytes(rng, data)
    end = 8 + int.from_bytes(data[:8], "little")
    header, numbers = data[8:end], bytearray(data[end:])
    for _ in range(rng.choice((0, 1, 8, 64))):
        at = 4 * rng.randrange(len(numbers) // 4)
        numbers[at : at + 4] = struct.pack("<f", rng.choice(ODD_NUMBERS))
    if rng.random() < 0.5:
        entries = json.loads(header)
        for name in rng.sample(sorted(entries), rng.choice((1, 2, 5))):
            entry = entries.pop(name)
            action = rng.randrange(5)
            if action == 0:
                rng.shuffle(entry["shape"])
            elif action == 1:
                entry["shape"] = [1, *entry["shape"]]
            elif action == 2:
                entry["dtype"] = rng.choice(("I32", "F32", "U32", "BF16"))
            elif action == 3:
                name += rng.choice((".x", "\ud800", "/../x"))
            entries[name] = entry
        header = json.dumps(entries).encode()
    if rng.random() < 0.3:
        header = mutated_json(rng, header)
    return len(header).to_bytes(8, "little") + header + numbers


def mutated_json(rng: random.Random, data: bytes) -> bytes:
    """Values replaced by odd ones, names dropped or added; sometimes the bytes themselves."""
    if rng.random() < 0.15:
        return mutated_bytes(rng, data)
    root = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        places = list(_places(root))
        owner, key = rng.choice(places)
        action = rng.randrange(4)
        if action == 0 and isinstance(owner, dict):
            del owner[key]
        elif action == 1 and isinstance(owner, dict):
            owner[rng.choice(("surprise", "", "\ud800", str(key) + " "))] = _odd_value(rng)
        else:
            owner[key] = _odd_value(rng)
        if not list(_places(root)):
            break
    text = json.dumps(root)
    return (b"[" * 200_000 if rng.random() < 0.01 else text.encode()) or b"{}"


def _odd_value(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(ODD_VALUES))  # a later mutation may change it


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    places = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            places += _places(value[key])
    return places
