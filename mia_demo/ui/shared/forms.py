"""What the pages' forms are made of: words, buttons, and the attack's settings with their help."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from mia_demo.attack.config import (
    ATTACK_LIMITS,
    METHOD_NAMES,
    PRESETS,
    AttackConfig,
    preset_config,
)
from mia_demo.attack.losses import LOSSES
from mia_demo.attack.methods import GRADIENT, METHODS
from mia_demo.attack.named import ATTACKS, TELLING, TITLES, attack_name, named_attack
from mia_demo.attack.views import ALTERATIONS
from mia_demo.errors import ConfigError
from mia_demo.ui.engine.field_checks import MAX_WHOLE, filled, number_within, whole_number
from mia_demo.ui.shared.address import Setting
from mia_demo.ui.shared.address_values import Reader, number, one_of, whole

FIRST_PRESET = "quick"

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


def words(html: str, **properties: Any) -> gr.HTML:
    """Text between the fields, in the page's own style."""
    return gr.HTML(html, apply_default_css=False, **properties)


def start_and_stop_buttons(start: str = "Start") -> tuple[gr.Button, gr.Button]:
    """A row with both buttons."""
    with gr.Row(elem_classes="buttons"):
        return (
            gr.Button(start, variant="primary", min_width=80),
            gr.Button("Stop", variant="stop", interactive=False, min_width=80),
        )


@dataclass(frozen=True)
class Knob:
    """A field of ``AttackConfig``; its range is checked there."""

    name: str
    label: str
    help: str
    step: float = 1
    choices: tuple[str, ...] = ()
    slides: tuple[float, float] | None = None  # the ends of its slider

    @property
    def is_whole(self) -> bool:
        return self.step == 1

    def reader(self) -> Reader:
        if self.choices:
            return one_of(lambda: self.choices)
        if not self.is_whole:
            return number(*(self.slides or ()))
        _, low, high = ATTACK_LIMITS[self.name]
        return whole(int(low), int(high))

    def checked(self, value: Any) -> Any:
        """
        Raises:
            ConfigError: of another type.
        """
        if self.choices:
            return str(value)
        return (whole_number if self.is_whole else filled)(self.label, value)

    def component(self, value: Any) -> Component:
        shown = {"value": value, "label": self.label, "info": self.help}
        if self.choices:
            return gr.Dropdown(self.choices, **shown)
        if self.slides:
            return gr.Slider(*self.slides, step=self.step, **shown)
        return gr.Number(step=self.step, **shown)


TEMPERATURE = Knob(
    "temperature",
    "Temperature T",
    "Logits are divided by T before the loss: large logits no longer silence the gradient.",
    0.5,
    slides=(1, 200),
)
KNOBS = (
    TEMPERATURE,
    Knob("pool_size", "Pool size", "Sampling: faces drawn from the prior, to start from the best."),
    Knob("truncation_psi", "Truncation ψ", "Sampling: near 0 the mean face, 1 full variety.", 0.05),
    Knob("candidates", "Candidates", "Sampling: faces a lane improves at the same time."),
    Knob("steps", "Steps", "Optimisation: updates of every candidate."),
    Knob("learning_rate", "Learning rate", "Optimisation: how far one update goes.", 0.001),
    Knob("adam_beta", "Adam β", "Optimisation: memory of earlier gradients, 0 is none.", 0.05),
    Knob(
        "loss",
        "Loss",
        "Optimisation: what “looks like the target” means. Cross-entropy fades out once the "
        "classifier is sure; Poincaré, Plug & Play’s own, does not.",
        0,
        tuple(LOSSES),
    ),
    Knob(
        "method",
        "Method",
        "Optimisation: what moves a candidate; without gradients, loss and copies do not matter.",
        0,
        METHOD_NAMES,
    ),
    Knob("views", "Views", "Optimisation: what is asked about.", 0, tuple(ALTERATIONS)),
    Knob("copies", "Copies", "Optimisation: views whose gradients are averaged, over one crop."),
    Knob("feature_weight", "Feature weight", "Optimisation: pull to public features.", 0.1),
    Knob(
        "crop_scale", "Crop scale", "Optimisation: smallest share of the picture in a crop.", 0.05
    ),
    Knob("batch_size", "Batch size", "Optimisation: candidates of a lane computed together."),
    Knob("kept", "Kept results", "Selection: how many candidates of a lane stay at the end."),
    Knob("selection_rounds", "Selection rounds", "Selection: random views each result must pass."),
)


def preset_field(info: str) -> gr.Dropdown:
    return gr.Dropdown(list(PRESETS), value=FIRST_PRESET, label="Preset", info=info, min_width=120)


def attack_field(**properties: Any) -> gr.Dropdown:
    """Grouped by what the attacker needs."""
    groups = ("Gradient", "Averaged gradient", "Without gradients")
    by_group = sorted(ATTACKS, key=lambda name: groups.index(_group(name)))
    return gr.Dropdown(
        [(f"{_group(name)}: {TITLES[name]}", name) for name in by_group],
        value=attack_name(preset_config(FIRST_PRESET)),
        label="Attack",
        **properties,
    )


def _group(name: str) -> str:
    config = named_attack(name, "standard")
    if METHODS[config.method].needs != GRADIENT:
        return "Without gradients"
    return "Averaged gradient" if config.copies > 1 else "Gradient"


def knob_fields(
    preset: gr.Dropdown, attack: gr.Dropdown, temperature: Component
) -> list[Component]:
    """A field per knob; choosing another preset or attack refills them, and the attack follows.

    Args:
        attack: an ``attack_field``.
        temperature: the field of ``TEMPERATURE``, drawn where the page wants it.
    """
    first = dict(zip((knob.name for knob in KNOBS), preset_values(FIRST_PRESET), strict=True))
    fields = [
        temperature if knob is TEMPERATURE else knob.component(first[knob.name]) for knob in KNOBS
    ]
    refilling, naming = _attack_scripts()
    # In the browser, so that Start right after a choice finds its values in place.
    for choice, is_preset in ((preset, "true"), (attack, "false")):
        filled = f"(...values) => ({refilling})({is_preset}, ...values)"
        choice.input(None, [preset, attack], fields, js=filled)
    gr.on([field.change for field in fields], None, fields, attack, js=naming)
    return fields


def _attack_scripts() -> tuple[str, str]:
    """JavaScript that gives the knobs' values, and that gives the attack of their values."""
    knobs = [knob.name for knob in KNOBS]
    presets = {name: preset_values(name) for name in PRESETS}
    brought = sorted({str(attack_name(preset_config(name))) for name in PRESETS})
    refill = REFILL % tuple(map(json.dumps, (presets, ATTACKS, knobs, brought)))
    attacks = {
        name: {key: getattr(named_attack(name, "standard"), key) for key in ("method", *TELLING)}
        for name in ATTACKS
    }
    queries = [name for name, method in METHODS.items() if not method.follows_gradient]
    return refill, NAME % tuple(map(json.dumps, (attacks, knobs, queries, TELLING)))


def preset_values(preset: str) -> list[Any]:
    """What the preset sets, in the order of ``KNOBS``."""
    config = preset_config(preset)
    return [getattr(config, knob.name) for knob in KNOBS]


def parse_config(
    identity: int | None,
    preset: str,
    seed: float | None,
    lanes: Sequence[str],
    knobs: Sequence[Any],
) -> AttackConfig:
    """The form as a configuration.

    Raises:
        ConfigError: an empty field, or a value out of range.
    """
    if identity is None:
        raise ConfigError("No identity is chosen; click on a face in the gallery.")
    if not lanes:
        raise ConfigError("No lane is chosen; tick at least one.")
    if seed is None:
        raise ConfigError("Seed is empty; fill it in, with 0 for example.")
    for knob, value in zip(KNOBS, knobs, strict=True):
        if value is None:
            raise ConfigError(f"{knob.label} is empty; fill it in or choose a preset again.")
    settings = {knob.name: knob.checked(value) for knob, value in zip(KNOBS, knobs, strict=True)}
    chosen_seed = whole_number("Seed", number_within("Seed", seed, 0, MAX_WHOLE))
    return preset_config(
        preset, identity=int(identity), seed=chosen_seed, lanes=tuple(lanes), **settings
    )


def attack_settings(
    preset: gr.Dropdown,
    knobs: Sequence[Component],
    *others: Setting,
    is_always_told: bool = False,
) -> list[Setting]:
    """The form in a link: preset, other settings, and knobs that differ from their preset."""
    chosen = one_of(lambda: PRESETS)
    settings = [
        Setting("preset", preset, chosen, FIRST_PRESET, is_always_told=is_always_told),
        *others,
    ]
    for knob, field in zip(KNOBS, knobs, strict=True):
        presets = {name: getattr(preset_config(name), knob.name) for name in PRESETS}
        settings.append(Setting(knob.name, field, knob.reader(), presets=presets))
    return settings


def linked_config(values: Mapping[str, Any]) -> AttackConfig:
    """A link's values as a configuration; identity and seed are 0 where a page has none."""
    identity, seed = values.get("identity", 0), values.get("seed", 0)
    knobs = [values[knob.name] for knob in KNOBS]
    return parse_config(identity, values["preset"], seed, values["lanes"], knobs)
