"""What the page prepares before Gradio is imported."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mia_demo.ui  # noqa: F401  prepares what is tested here

ROOT = Path(__file__).parents[3]


def test_a_user_without_a_name_has_a_folder_for_uploads() -> None:
    """As in a container that runs as any number: then nothing tells the user's name."""
    names = {"LOGNAME", "USER", "LNAME", "USERNAME", "GRADIO_TEMP_DIR"}
    program = (
        "import os, pwd\n"
        "pwd.getpwuid = lambda number: {}[number]\n"
        "import mia_demo.ui\n"
        "print(os.environ['GRADIO_TEMP_DIR'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in names},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == f"mia_demo-{os.getuid()}"


COMPONENT = """
import gradio as gr

class Own(gr.HTML):
    EVENTS = ["click"]
"""


def test_gradio_writes_no_stubs_beside_components(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would parse its own components' source for them, half the time of its import."""
    (tmp_path / "own_component.py").write_text(COMPONENT)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("own_component")
    assert not list(tmp_path.glob("*.pyi"))
