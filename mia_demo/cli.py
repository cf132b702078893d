"""Command line: parsing, printing, exit codes. The work is done in ``commands``.

With ``--json`` standard output carries one JSON object and nothing else; progress and logs go to
standard error. Expected failures end with one line and exit code 2.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from inspect import Parameter, Signature
from typing import Annotated, Any, get_type_hints

import typer

from mia_demo import PROGRAM, __version__
from mia_demo.commands.options import Request
from mia_demo.commands.requests import REQUESTS, SEVERAL
from mia_demo.errors import DemoError
from mia_demo.system.files import write_remedy
from mia_demo.system.streams import prepare_output

DESCRIPTION = (
    "Attacks face classifiers that differ in the smoothing factor of their training labels, from "
    "the command line. With --json standard output carries one JSON object and nothing else. "
    "'COMMAND --help' shows a command's options."
)

app = typer.Typer(
    help=DESCRIPTION,
    add_completion=False,
    # Plain text: a pipe, a log and every encoding can show it.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="print the version and exit"
        ),
    ] = False,
) -> None:
    """Options that come before the command."""


def _add_command(request: type[Request]) -> None:
    """A command whose options are the fields of ``request``, and whose result is an instance."""

    def build(**options: Any) -> Request:
        return request(**options)

    hints = get_type_hints(request)
    parameters = [
        Parameter(
            option.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if option.default is MISSING else option.default,
            annotation=Annotated[hints[option.name], option.metadata["typer"]],
        )
        for option in fields(request)
    ]
    build.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    app.command(request.command, help=request.__doc__, short_help=request.__doc__)(build)


for _request in REQUESTS:
    _add_command(_request)


def parse(arguments: Sequence[str]) -> Request | int:
    """What is asked for, or an exit code where typer answered already, as to ``--help``.

    Raises:
        typer.TyperException: a typing error.
        ConfigError: options that exclude each other.
    """
    parsed: Request | int = app(
        _one_value_each(arguments), prog_name=PROGRAM, standalone_mode=False
    )
    return parsed


def _one_value_each(arguments: Sequence[str]) -> list[str]:
    """``--quote a b`` -> ``--quote a --quote b``, which is how typer reads several values."""
    result: list[str] = []
    several = ""
    for argument in arguments:
        if argument.startswith("-"):
            several = argument if argument in SEVERAL else ""
        elif several and result[-1] != several:
            result.append(several)
        result.append(argument)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    prepare_output()
    try:
        request = parse(arguments or ["--help"])
        if isinstance(request, int):
            return request if arguments else 2
        # torch takes seconds to import: --help and typing errors need not wait for it.
        from mia_demo.commands.answers import answer
        from mia_demo.commands.output import as_text

        result = answer(request)
        if result is None:
            return 0
        text = json.dumps(result, allow_nan=False) if request.as_json else as_text(result)
        print(text, flush=True)
    except typer.TyperException as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return 2
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads has seen enough, as ``| head`` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to flush
        return 1
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"error: {error.strerror or error}{place}; {write_remedy(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; finished parts are kept", file=sys.stderr)
        return 130
    return 1 if result.get("ok") is False else 0


def _one_line(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else PROGRAM
    return f"{' '.join(error.format_message().split())} ({where} --help)"
