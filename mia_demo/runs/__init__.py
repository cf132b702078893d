"""Kept runs: attacks, trainings and sweeps that are listed, compared, repeated and exported.

An attack's folder holds its pictures as PNG, a recording for replay, and ``run.json``, which is
written last: a folder that has it is complete.
"""

from pathlib import Path

RUNS = Path(__file__).resolve().parents[2] / "runs"
