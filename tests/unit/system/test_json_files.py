"""JSON of any kind: what has the right types passes unchanged, all else is one ``ValueError``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest

from mia_demo.errors import ConfigError
from mia_demo.system.json_files import checked, read_json


@dataclass(frozen=True)
class Point:
    x: float
    label: str = ""

    def __post_init__(self) -> None:
        if self.x > 100:
            raise ConfigError("x is too large.")


class Shape(TypedDict):
    points: list[Point]
    size: tuple[int, ...]
    state: Literal["open", "closed"]
    note: str | None
    names: dict[str, int]


GOOD: dict[str, Any] = {
    "points": [{"x": 1, "label": "a"}, {"x": 2.5}],
    "size": [1, 2],
    "state": "open",
    "note": None,
    "names": {"a": 1},
    "of another version": [[]],
}


def test_a_value_of_the_right_type_comes_back_with_its_records() -> None:
    assert checked(Shape, GOOD) == {
        **GOOD,
        "points": [Point(1, "a"), Point(2.5)],
        "size": (1, 2),
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"points": 5}, "points must be a list, not 5"),
        ({"points": [{"x": "1"}]}, r"points\[0\].x must be a number, not '1'"),
        ({"points": [{"x": True}]}, "must be a number"),
        ({"points": [{"x": float("nan")}]}, "must be a number, not nan"),
        ({"points": [{"x": 10**400}]}, "must be at most"),
        ({"points": [{"x": 101}]}, "x is too large"),
        ({"points": [{"x": 1, "y": 2}]}, "unknown key 'y'"),
        ({"points": [{"label": "a"}]}, "lacks x"),
        ({"size": [1.5]}, "must be a whole number"),
        ({"size": [2**63]}, "must be at most"),
        ({"state": "ajar"}, "must be open or closed, not 'ajar'"),
        ({"state": []}, "must be open or closed, not a list"),
        ({"note": {}}, "must be text, not an object"),
        ({"note": "\ud800"}, "must be text of whole characters"),
        ({"names": {"\ud800": 1}}, "must be text of whole characters"),
        ({"names": {"a": None}}, "names.a must be a whole number, not None"),
    ],
)
def test_anything_else_is_told_by_its_place(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked(Shape, {**GOOD, **change})


@pytest.mark.parametrize("missing", ["points", "size", "state", "note", "names"])
def test_a_missing_key_is_told(missing: str) -> None:
    with pytest.raises(ValueError, match=f"run lacks {missing}"):
        checked(Shape, {key: value for key, value in GOOD.items() if key != missing}, "run")


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "", "{", b"\xff\xfe"])
def test_a_hostile_file_is_a_value_error(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"."):
        read_json(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(json.dumps(GOOD))
    assert read_json(tmp_path / "file.json") == GOOD
