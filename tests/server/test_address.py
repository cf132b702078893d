"""Links: what they restore, and what is ignored."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import gradio as gr
import pytest

from mia_demo.attack.config import preset_config
from mia_demo.attack.named import ATTACKS, named_attack, with_budget
from mia_demo.errors import ConfigError
from mia_demo.lesson.steps import steps_with
from mia_demo.recipes.record import recorded_identities
from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import build_pages
from mia_demo.ui.attack.evidence import today, whose_turn
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.training_form import parse_training
from mia_demo.ui.shared.address import AddressBook
from mia_demo.ui.shared.forms import KNOBS, linked_config, parse_config, preset_values
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> AddressBook:
    runs: Path = tmp_path_factory.mktemp("runs")
    engine = Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), runs)
    with gr.Blocks() as app:
        return build_pages(engine, app).address


def test_a_link_to_the_attack_page_carries_every_setting(book: AddressBook) -> None:
    link = book.read(
        {
            "tab": "attack",
            "identity": "17",
            "preset": "standard",
            "seed": "3",
            "lanes": "negative,positive",
            "loss": "poincare",
        }
    )
    assert link.ignored == ""
    assert link.values["identity"] == 17
    assert link.values["seed"] == 3
    assert link.values["lanes"] == ["positive", "negative"]
    assert link.values["loss"] == "poincare"
    # What the link does not say is the preset's.
    assert link.values["candidates"] == preset_config("standard").candidates


@pytest.mark.parametrize("name", ATTACKS)
def test_a_link_carries_every_attack(book: AddressBook, name: str) -> None:
    wanted = with_budget(named_attack(name, "quick", lanes=("zero",), identity=3), 2000)
    query = {"tab": "attack", "identity": "3", "preset": "quick", "lanes": "zero"}
    usual = preset_config("quick").to_json()
    changed = {k: v for k, v in wanted.to_json().items() if v != usual[k]}
    query |= {k: str(v) for k, v in changed.items() if k not in ("preset", "lanes", "identity")}
    link = book.read(query)
    assert link.ignored == ""
    assert linked_config(link.values) == wanted


def test_wrong_values_are_ignored_in_one_sentence(book: AddressBook) -> None:
    link = book.read(
        {
            "identity": "100",
            "preset": "fast",
            "seed": "1.5",
            "lanes": "positive,nobody",
            "steps": "10",
            "room": "AB12",
        }
    )
    assert link.ignored == (
        "Ignored, because it does not fit here: identity=100, preset=fast, seed=1.5, "
        "lanes=positive,nobody."
    )
    assert link.values["identity"] == whose_turn(recorded_identities(100), today())
    assert link.values["steps"] == 10


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ({"tab": "attack", "candidates": "9999"}, "candidates=9999"),  # more than the pool
        ({"tab": "attack", "learning_rate": "nan"}, "learning_rate=nan"),
        ({"tab": "attack", "loss": "<script>"}, "loss=<script>"),
        ({"tab": "compare", "identities": "0-200"}, "identities=0-200"),
        ({"tab": "compare", "results": "../manifest"}, "results=../manifest"),
        ({"tab": "train", "alpha": "3", "photos": "0"}, "alpha=3, photos=0"),
        ({"tab": "understand", "section": "nowhere"}, "section=nowhere"),
        ({"tab": "nowhere"}, "tab=nowhere"),
        ({"hide": "attack"}, "hide=attack"),  # the page in front
        ({"lock": "seed,nothing"}, "lock=seed,nothing"),
    ],
)
def test_impossible_values_are_named(
    book: AddressBook, query: dict[str, str], ignored: str
) -> None:
    assert book.read(query).ignored == f"Ignored, because it does not fit here: {ignored}."


def test_a_bare_address_and_other_peoples_parameters_change_nothing(book: AddressBook) -> None:
    link = book.read({"room": "AB12", "__theme": "dark"})
    assert link.page is None
    assert link.ignored == ""
    assert all("value" not in change for change in book.updates(link, is_opening=True)[1:])


def test_locks_and_hidden_parts(book: AddressBook) -> None:
    link = book.read({"tab": "attack", "lock": "seed,preset", "hide": "train,lanes"})
    assert link.locked == {"seed", "preset"}
    assert link.hidden == {"train", "lanes"}
    assert book.read({"lock": "1"}).locked == book.setting_names
    bar, *_ = book.updates(link, is_opening=True)
    assert bar["hiddenTabs"] == ["train"]


def test_locked_knobs_are_refilled_by_neither_preset_nor_attack(book: AddressBook) -> None:
    link = book.read({"tab": "attack", "lock": "loss"})
    outputs = book.outputs(gr.Tabs(), gr.HTML())
    changes = dict(zip(outputs, book.updates(link, is_opening=True), strict=True))
    page = book.pages["attack"]
    preset, loss, seed = (
        next(setting.component for setting in page.settings if setting.name == name)
        for name in ("preset", "loss", "seed")
    )
    for fixed in (page.refiller, preset, loss):
        assert changes[fixed]["interactive"] is False
    assert "interactive" not in changes[seed]
    free = dict(
        zip(outputs, book.updates(book.read({"lock": "seed"}), is_opening=True), strict=True)
    )
    assert "interactive" not in free[page.refiller]


def test_a_followed_link_leaves_what_the_pages_own_link_locks(book: AddressBook) -> None:
    outputs = book.outputs(gr.Tabs(), gr.HTML())
    page = book.pages["attack"]
    identity, seed = (
        next(setting.component for setting in page.settings if setting.name == name)
        for name in ("identity", "seed")
    )
    link = {"link": "tab=attack&identity=17&seed=3", "lock": "identity"}
    changes = dict(zip(outputs, book.follow_link(link), strict=True))
    assert "value" not in changes[identity]
    assert changes[seed]["value"] == 3


def test_with_own_people_chosen_a_followed_link_opens_the_page_anew(book: AddressBook) -> None:
    places = [component.label for component in book.whose()]
    assert places == ["People", "Train on"]
    query = "tab=attack&identity=17"
    bar, *changes = book.go(query, ["someones", EMBEDDED])
    assert bar == {"load": query}
    assert len(changes) + 1 == len(book.outputs(gr.Tabs(), gr.HTML()))
    assert all("value" not in change for change in changes)
    for others in (
        [EMBEDDED, "someones"],
        [EMBEDDED, EMBEDDED],
    ):  # the Attack page shows the demo's
        assert "load" not in book.go(query, others)[0]


def test_every_page_is_reached_by_a_link(book: AddressBook) -> None:
    for slug, page in book.pages.items():
        assert book.read({"tab": slug}).page is page


def test_every_link_of_the_lesson_leads_where_it_says(book: AddressBook) -> None:
    for step in steps_with(list(book.pages)):
        link = book.read(dict(parse_qsl(step.link)))
        assert link.page is book.pages[step.tab]
        assert link.ignored == ""
        for name, text in parse_qsl(step.link)[1:]:
            assert str(link.values[name]) == text


def test_decimals_are_refused_rather_than_rounded() -> None:
    knobs = preset_values("quick")
    steps = [knob.name for knob in KNOBS].index("steps")
    with pytest.raises(ConfigError, match=r"Seed must be a whole number, not 1\.5"):
        parse_config(0, "quick", 1.5, ["zero"], knobs)
    with pytest.raises(ConfigError, match=r"Steps must be a whole number, not 40\.7"):
        parse_config(0, "quick", 0, ["zero"], [*knobs[:steps], 40.7, *knobs[steps + 1 :]])
    assert parse_config(0, "quick", 2.0, ["zero"], knobs).seed == 2
    for seed in (-1, 2**31):
        with pytest.raises(ConfigError, match="Seed must lie between 0 and 2,147,483,647, not"):
            parse_config(0, "quick", seed, ["zero"], knobs)
    with pytest.raises(ConfigError, match=r"Seed must be a whole number, not 0\.5"):
        parse_training(0.1, 8, 20, "early", "compact_resnet", 0.001, 0.5)
