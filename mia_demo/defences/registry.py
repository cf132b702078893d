"""The defences by name: one list for the command line, the manifest and the model card."""

from collections.abc import Mapping, Sequence

from mia_demo.defences.adversarial import AdversarialTraining, AntiAdversarialTraining
from mia_demo.defences.bido import BidoHsic
from mia_demo.defences.defence import Defence
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.loft import Loft
from mia_demo.defences.mid import Mid
from mia_demo.defences.midre import Midre
from mia_demo.defences.shortcuts import ShortcutScaling
from mia_demo.defences.tl_dmi import TlDmi
from mia_demo.errors import ConfigError

DEFENCES: dict[str, type[Defence]] = {
    defence.name: defence
    for defence in (
        *(LabelSmoothing, TlDmi, ShortcutScaling, Midre, BidoHsic, Mid, Loft),
        *(AntiAdversarialTraining, AdversarialTraining),
    )
}


def build_defence(name: str, strengths: Mapping[str, float]) -> Defence:
    """
    Args:
        strengths: by their names; the others are as published.

    Raises:
        ConfigError: no such defence or strength, or one out of range.
    """
    if name not in DEFENCES:
        raise ConfigError(f"No defence {name!r}; choose one of {', '.join(DEFENCES)}.")
    kind = DEFENCES[name]
    known = [each.name for each in kind.strengths()]
    for given in strengths:
        if given not in known:
            choice = f"choose one of {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"{name} has no strength {given!r}; {choice}.")
    return kind(**strengths)


def parse_strengths(assignments: Sequence[str]) -> dict[str, float]:
    """``["beta=0.01"]`` -> {"beta": 0.01}.

    Raises:
        ConfigError: no number, or a strength twice.
    """
    strengths: dict[str, float] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name in strengths:
            raise ConfigError(f"Strength {name} is given twice; give it once.")
        try:
            strengths[name] = float(text)
        except ValueError as error:
            raise ConfigError(f"Write a strength as NAME=NUMBER, not {assignment!r}.") from error
    return strengths


def parse_strengths_by_defence(assignments: Sequence[str]) -> dict[str, dict[str, float]]:
    """``["bido.input_weight=0.01"]`` -> {"bido": {"input_weight": 0.01}}.

    Raises:
        ConfigError: as ``parse_strengths`` and ``build_defence``.
    """
    given: dict[str, list[str]] = {}
    for assignment in assignments:
        name, dot, rest = assignment.partition(".")
        if not dot or "=" in name:
            raise ConfigError(f"Write a strength as DEFENCE.NAME=NUMBER, not {assignment!r}.")
        given.setdefault(name, []).append(rest)
    strengths = {name: parse_strengths(rest) for name, rest in given.items()}
    for name, chosen in strengths.items():
        build_defence(name, chosen)
    return strengths


def described(name: str, strengths: Mapping[str, float]) -> str:
    """``BiDO-HSIC (input_weight 0.05, label_weight 0.5)``; nothing for label smoothing alone."""
    defence = build_defence(name, strengths)
    if type(defence) is LabelSmoothing:
        return ""
    values = ", ".join(f"{s.name} {getattr(defence, s.name):g}" for s in defence.strengths())
    return f"{defence.title} ({values})"
