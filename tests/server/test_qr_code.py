"""QR codes of links. Reference: segno 1.6 (``error="l"``, ``mask=0``, byte mode).

Texts fill their version to the last byte: segno pads shorter ones with other bytes. zxing-cpp read
back all lengths from 1 to 106.
"""

from __future__ import annotations

import hashlib

import pytest

from mia_demo.ui.shared.qr_code import LONGEST, qr_code, svg_path

LONG = (
    "https://somebody-be-careful-what-you-smooth-for-with-a-long-name-abcdefghijklmnopqrst"
    ".hf.space/?room=3ZEEY"
)


@pytest.mark.parametrize(
    ("text", "size", "sha256"),
    [
        (
            "http://10.0.0.17:7860/?room=3ZEE",
            25,
            "ad0c8463b67c2f3f800f678cf5da70de0c4a0060c6bd4b84624f25b6a192bfcd",
        ),
        (LONG, 37, "3118322b2ecd9c018fe6d62b95e7576a5e4d2ec1687d1226378a6d24f5dad65a"),
    ],
)
def test_modules_are_those_of_another_encoder(text: str, size: int, sha256: str) -> None:
    modules = qr_code(text)
    assert modules is not None
    assert len(modules) == size
    rows = "\n".join("".join(str(int(dark)) for dark in row) for row in modules)
    assert hashlib.sha256(rows.encode()).hexdigest() == sha256
    assert svg_path(modules).count("M") == rows.count("1")


def test_too_long_a_link_has_no_code() -> None:
    assert len(LONG) == LONGEST
    assert qr_code(LONG + "x") is None
