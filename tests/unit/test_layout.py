"""The rules that the package layout lives by."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mia_demo"
UI_PREFIX = "mia_demo.ui."

# Who may catch Exception, and why.
CATCHES_EXCEPTION = {
    "ui/shared/handler.py": "tells a visitor",
    "ui/engine/jobs.py": "carries the error from the job's thread to its reader",
    "convert/torch_files.py": "torch raises all kinds for a foreign file",
    "zoo/hub/client.py": "the Hub's client raises all kinds, and in another thread",
    "zoo/hub/download.py": "a broken connection shows in many ways",
    "sweep/distributed.py": "one of a team tells the others that it fails",
}

# Imports point down this list, never up. ui may import everything.
LAYERS = [
    ["errors"],
    ["system", "smoothing"],
    ["data", "toy"],
    ["models"],
    ["zoo", "training"],
    ["attack", "metrics"],
    ["visitors", "sweep", "report"],
    ["runs", "convert", "lesson"],
    ["bench", "recipes", "doctor"],
    ["commands", "cli", "__main__"],
]


# Inside ui too, where pages never import each other.
UI_LAYERS = [
    ["engine"],
    ["shared"],
    ["boards"],
    ["attack", "compare", "line_up", "train", "models", "runs", "understand", "lesson"],
    ["app_page", "serving"],
]


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def level(room: str, layers: list[list[str]]) -> int:
    return next(index for index, rooms in enumerate(layers) if room in rooms)


def test_only_the_page_imports_gradio() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] != "ui":
            assert not any(name.split(".")[0] == "gradio" for name in imports_of(path)), path


def test_the_command_line_works_without_gradio() -> None:
    code = (
        "import sys; sys.modules['gradio'] = None\n"
        "import mia_demo.commands, mia_demo.recipes.make_zoo, mia_demo.runs, mia_demo.doctor\n"
        "assert not any(name.startswith('gradio') for name in sys.modules if sys.modules[name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_imports_point_one_way() -> None:
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in ("ui", "__init__"):
            continue
        for name in imports_of(path):
            pieces = name.split(".")
            if pieces[0] == "mia_demo" and len(pieces) > 1 and pieces[1] != "__version__":
                if (
                    not (PACKAGE / pieces[1]).exists()
                    and not (PACKAGE / f"{pieces[1]}.py").exists()
                ):
                    continue
                assert level(pieces[1], LAYERS) <= level(parts[0], LAYERS), f"{path} imports {name}"


def test_imports_point_one_way_inside_ui() -> None:
    for path in (PACKAGE / "ui").rglob("*.py"):
        room = path.relative_to(PACKAGE / "ui").with_suffix("").parts[0]
        others = {name.split(".")[2] for name in imports_of(path) if name.startswith(UI_PREFIX)}
        for other in others - {room, "*"}:
            assert level(other, UI_LAYERS) < level(room, UI_LAYERS), f"{path} imports {other}"


def test_nothing_is_unpickled() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not {"pickle", "dill", "joblib"} & {n.split(".")[0] for n in imports_of(path)}, path
        calls = re.findall(r"torch\.load\([^)]*\)", path.read_text("utf-8"))
        assert all("weights_only=True" in call for call in calls), path
        assert not calls or path.name == "torch_files.py", path  # foreign files, checked before


def test_code_parses_as_python_3_10() -> None:
    for path in PACKAGE.rglob("*.py"):
        ast.parse(path.read_text("utf-8"), feature_version=(3, 10))


def catches_everything(handler: ast.ExceptHandler) -> bool:
    names = {
        node.id
        for node in ast.walk(handler.type or ast.Name("BaseException"))
        if isinstance(node, ast.Name)
    }
    return bool(names & {"Exception", "BaseException"})


def test_unforeseen_errors_are_caught_in_few_places() -> None:
    catching = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    }
    assert catching <= set(CATCHES_EXCEPTION) | {"ui/runs/handlers.py"}
