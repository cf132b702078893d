"""How an option of the command line is declared, and the options of every command."""

from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar

from typer import Option


def option(text: str, default: Any = MISSING, *, name: str = "", metavar: str = "") -> Any:
    """A field with its help text; without a default the option must be given.

    Args:
        name: such as ``--set`` where the field has another name.
    """
    names = (name,) if name else ()
    about = Option(*names, help=text or None, metavar=metavar or None)
    return field(default=default, metadata={"typer": about})


def flag(name: str, text: str) -> Any:
    return option(text, False, name=name)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of every command."""

    command: ClassVar[str]

    as_json: bool = flag("--json", "print one JSON object to standard output, nothing else")
    device: str = option("auto, cpu, cuda, cuda:1 or mps", "auto")
    zoo: str | None = option(
        "zoo folder, or a zoo on the Hugging Face Hub, preferably with the 40 digits of its "
        "commit (default: the embedded zoo)",
        None,
        metavar="PATH|hf://USER/REPO@REVISION",
    )
