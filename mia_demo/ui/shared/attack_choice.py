"""The choice of an attack by name, which fills the knobs and follows them, in the browser alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from mia_demo.attack.config import PRESETS, preset_config
from mia_demo.attack.methods import GRADIENT, METHODS
from mia_demo.attack.named import ATTACKS, TELLING, TITLES, attack_name, named_attack

# Attacks and presets change some knobs each; the attack's win.
REFILL = """(isPreset, preset, attack) => {
  const presets = %s, attacks = %s, names = %s;
  const own = isPreset && %s.includes(attack) ? {} : attacks[attack] || {};
  return presets[preset].map((value, index) => own[names[index]] ?? value);
}"""
# The attack that the knobs make; empty where they make none.
NAME = """(...values) => {
  const attacks = %s, names = %s, queries = %s, telling = %s;
  const of = (name) => values[names.indexOf(name)];
  const told = queries.includes(of("method")) ? ["method"] : ["method", ...telling];
  const isIt = (name) => told.every((key) => attacks[name][key] === of(key));
  return Object.keys(attacks).find(isIt) ?? null;
}"""


def attack_field(**properties: Any) -> gr.Dropdown:
    """Grouped by what the attacker needs."""
    groups = ("Gradient", "Averaged gradient", "Without gradients")
    by_group = sorted(ATTACKS, key=lambda name: groups.index(_group(name)))
    return gr.Dropdown(
        [(f"{_group(name)}: {TITLES[name]}", name) for name in by_group],
        value=attack_name(preset_config("quick")),
        label="Attack",
        **properties,
    )


def attack_scripts(
    knobs: Sequence[str], preset_values: Callable[[str], list[Any]]
) -> tuple[str, str]:
    """JavaScript that gives the knobs' values, and that gives the attack of their values.

    Args:
        preset_values: of every knob.
    """
    presets = {name: preset_values(name) for name in PRESETS}
    brought = sorted({str(attack_name(preset_config(name))) for name in PRESETS})
    refill = REFILL % tuple(map(json.dumps, (presets, ATTACKS, knobs, brought)))
    whole = {
        name: {key: getattr(named_attack(name, "standard"), key) for key in ("method", *TELLING)}
        for name in ATTACKS
    }
    queries = [name for name, method in METHODS.items() if not method.follows_gradient]
    return refill, NAME % tuple(map(json.dumps, (whole, knobs, queries, TELLING)))


def _group(name: str) -> str:
    config = named_attack(name, "standard")
    if METHODS[config.method].needs != GRADIENT:
        return "Without gradients"
    return "Averaged gradient" if config.copies > 1 else "Gradient"
