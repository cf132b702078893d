"""The rules that the package layout lives by."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mia_demo"
UI_PREFIX = "mia_demo.ui."
MAX_POSITIONAL = 5

MAX_LINES = 300
# Files that are data: texts in the order in which they are read.
LONG = {"lesson/steps.py"}

# Who may catch Exception, and why.
CATCHES_EXCEPTION = {
    "ui/shared/handler.py": "tells a visitor",
    "ui/shared/checked_blocks.py": "Gradio's components raise all kinds for values of others",
    "ui/serving/mistakes.py": "so do Gradio's routes",
    "ui/engine/jobs.py": "carries the error from the job's thread to its reader",
    "zoo/hub/client.py": "the Hub's client raises all kinds, and in another thread",
    "sweep/team.py": "one of a team tells the others that it fails",
}

# Imports point down this list, never up. ui may import everything.
LAYERS = [
    ["errors"],
    ["system", "smoothing"],
    ["data", "toy"],
    ["models"],
    ["defences"],
    ["training"],
    ["metrics"],
    ["zoo"],
    ["attack"],
    ["visitors", "sweep"],
    ["report"],
    ["runs", "convert", "lesson"],
    ["bench", "recipes", "doctor"],
    ["commands", "cli", "__main__"],
]


# Inside ui too, where pages never import each other.
UI_LAYERS = [
    ["engine"],
    ["shared"],
    ["boards"],
    ["attack", "compare", "shield", "line_up", "train", "models", "runs", "understand", "lesson"],
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
        "import mia_demo.commands.answers, mia_demo.runs\n"
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
        assert not re.search(r"torch\.load\(", path.read_text("utf-8")), path


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
    assert catching == set(CATCHES_EXCEPTION)


def public_names(path: Path) -> set[str]:
    """What a module defines for others: classes, functions and constants without an underscore."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return {name for name in names if not name.startswith("_") and name != "log"}


def test_no_public_name_is_defined_twice() -> None:
    found = Counter(name for path in PACKAGE.rglob("*.py") for name in public_names(path))
    twice = {name for name, count in found.items() if count > 1}
    assert not twice, "give each a name that says which it is"


def positional(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_functions_take_at_most_five_positional_parameters() -> None:
    many = {
        f"{path.relative_to(PACKAGE).as_posix()}:{node.name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and positional(node) > MAX_POSITIONAL
        and not node.name.startswith("api_")  # its parameters are those of the page's API
    }
    assert not many, "make them keyword-only, or take one request"


def test_only_charts_js_draws() -> None:
    """In Python report/figure.py draws: its SVG stands in Markdown, where no script runs."""
    for kind in ("js", "html"):
        for path in (PACKAGE / "ui").rglob(f"*.{kind}"):
            text = path.read_text("utf-8")
            is_drawn = "createElementNS" in text or "<svg" in text
            assert not is_drawn or path.name == "charts.js", path


def test_a_file_is_one_room() -> None:
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".py", ".js", ".css", ".html"}:
            lines = len(path.read_text("utf-8").splitlines())
            name = path.relative_to(PACKAGE).as_posix()
            assert lines <= MAX_LINES or name in LONG, f"{name} has {lines} lines: make two of it"
