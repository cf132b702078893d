"""Output to a console, file or pipe of any encoding, such as Windows' cp1252 for ``> file``."""

import codecs
import sys

ERRORS = "mia_demo.readable"

# What this program prints beyond ASCII and another encoding may lack; the rest is escaped.
_ASCII = {
    **{"α": "alpha", "β": "beta", "δ": "delta", "ξ": "xi", "ψ": "psi", "∂": "d"},
    **{"−": "-", "–": "-", "×": "x", "±": "+-", "·": "-", "…": "...", "→": "->", "▲": "^"},
    **{"’": "'", "“": '"', "”": '"', "✓": "yes", "✗": "no"},
}


def prepare_output() -> None:
    """No print fails any more: what standard output and error cannot encode is spelled in ASCII.

    Call it at the start of a program, before anything is printed.
    """
    codecs.register_error(ERRORS, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # a stand-in may have none
            reconfigure(errors=ERRORS)


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelled = (
        _ASCII.get(character) or character.encode("ascii", "backslashreplace").decode()
        for character in lacking
    )
    return "".join(spelled), error.end
