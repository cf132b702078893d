"""Run folders: attacks that are kept, listed, replayed, compared, repeated and taken home.

A run folder holds the kept pictures as PNG, a recording for replay, and ``run.json``, which is
written last: a folder with it is complete.
"""

from __future__ import annotations

from pathlib import Path

RUNS = Path(__file__).resolve().parents[2] / "runs"
