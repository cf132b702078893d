"""The board of defences and attacks on its page: figures, sentences, and the way to an attack."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.methods import METHODS
from mia_demo.attack.named import ATTACKS, named_attack, with_budget
from mia_demo.errors import ConfigError
from mia_demo.metrics.intervals import bootstrap_interval
from mia_demo.report.board_words import (
    gap_sentence,
    headline,
    shield_sentence,
    temperature_sentence,
)
from mia_demo.sweep.board import (
    BOARD_FOLDER,
    BoardCell,
    BoardRow,
    Robustness,
    Share,
    save_row,
)
from mia_demo.sweep.library import RECORDED_FOLDER
from mia_demo.sweep.provenance import Provenance
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.line_up_dealing import Dealer
from mia_demo.ui.engine.line_up_rooms import LineUpRooms
from mia_demo.ui.shared.forms import linked_config
from mia_demo.ui.shield.page import ShieldHandlers
from mia_demo.ui.shield.view import attack_link, board_json
from mia_demo.zoo.folder import FolderZoo
from tests.tiny_zoo import PEOPLE, make_tiny_zoo

NUMBERS = list(range(PEOPLE))


def share(people: list[float]) -> Share:
    return Share(sum(people) / len(people), bootstrap_interval(np.array(people)), people)


def cell(name: str, leak: float) -> BoardCell:
    config = with_budget(named_attack(name, "quick"), 700)
    own = ("identity", "seed", "lanes")
    settings = {k: v for k, v in config.to_json().items() if k not in own}
    leaks = share([leak] * PEOPLE)
    nothing = share([0.0] * PEOPLE)
    needs = METHODS[config.method].needs
    passes = {"optimisation": 640}
    numbers = list(NUMBERS)
    return BoardCell(numbers, needs, passes, settings, leaks, leaks, leaks, nothing, numbers)


def row(lane: str, checkpoint: str, **leaks: float) -> BoardRow:
    return BoardRow(
        lane=lane,
        defence="label_smoothing",
        strengths={},
        alpha={"zero": 0.0, "negative": -0.05}[lane],
        test_accuracy=0.99,
        robust=Robustness([0.01], 10, 8, [0.5], [0.25]),
        cells={name: cell(name, leak) for name, leak in leaks.items()},
        record=Provenance(
            date="2026-01-01",
            commit="abc",
            identities=NUMBERS,
            seeds=[0],
            device="cpu",
            precision="float32",
            seconds=1.0,
            versions={},
            checkpoints={lane: checkpoint},
        ),
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Its board has a mask in ``negative``, which lost a classifier that it was recorded with."""
    folder = tmp_path_factory.mktemp("shield")
    zoo = make_tiny_zoo(folder / "zoo")
    recorded = zoo.root / RECORDED_FOLDER / BOARD_FOLDER
    for lane, others, checkpoint in (
        ("zero", {"taa": 0.75, "brep_mi": 0.5}, zoo.entry("zero").stored.sha256),
        ("negative", {"taa": 0.25, "brep_mi": 0.5}, "another"),
    ):
        pictures = np.random.default_rng(0).integers(
            0, 255, (len(others), PEOPLE, 16, 16, 3), dtype=np.uint8
        )
        save_row(row(lane, checkpoint, **others), pictures, recorded)
    return Engine(zoo, choose_compute("cpu"), folder / "runs")


def test_the_board_shows_every_cell_in_every_layer(engine: Engine) -> None:
    board = ShieldHandlers(engine).open()
    assert [(group["title"], group["count"]) for group in board["groups"]] == [
        ("the gradient", 1),
        ("the label alone", 1),
    ]
    zero, negative = board["rows"]
    assert (zero["lane"], negative["lane"]) == ("zero", "negative")
    assert zero["cells"][0]["acc1"] == {"value": 0.75, "text": "75%", "interval": "75–75"}
    assert zero["cells"][0]["convinced_but_wrong"]["text"] == "0%"
    words, best, gap, *_ = (end["text"] for end in negative["ends"])
    assert words.startswith("A mask: knowing less gets more;")
    assert (best, gap) == ("BREP-MI 50.0%", "−25.0")
    assert board["headline"].startswith("In negative an attack without the gradient")
    assert "640 classifier passes" in board["record"]


def test_another_training_names_its_seed() -> None:
    again = replace(row("negative", "b", taa=0.5), lane="negative@43")
    assert board_json([again], "")["rows"][0]["what"] == "α = −0.05, training seed 43"


def test_a_cell_leads_to_its_attack_where_the_classifier_is(engine: Engine, tmp_path: Path) -> None:
    handlers = ShieldHandlers(engine)
    found = handlers.cell("zero", "taa")
    assert [person["number"] for person in found["people"]] == NUMBERS
    assert f"{PEOPLE} of {PEOPLE} people" in found["facts"]
    assert found["missing"] == ""
    with pytest.raises(ConfigError, match="no cell of 'zero' under 'mirror'"):
        handlers.cell("zero", "mirror")

    # Trained again since: it can be attacked, and the board says that it is another.
    assert handlers.cell("negative", "taa")["live"]
    assert handlers.open()["record"].endswith(
        "Recorded with other weights than this zoo has now: negative."
    )

    shutil.copytree(engine.zoo.root, tmp_path / "zoo")
    less = FolderZoo(tmp_path / "zoo")
    less.remove("negative")
    gone = ShieldHandlers(Engine(less, engine.compute, tmp_path / "runs")).cell("negative", "taa")
    assert (gone["live"], gone["deal"]) == ("", "")
    assert gone["missing"] == "This zoo has no classifier negative."


@pytest.mark.parametrize("name", ATTACKS)
def test_a_live_link_means_the_attack_that_was_recorded(engine: Engine, name: str) -> None:
    told = dict(parse_qsl(attack_link("zero", cell(name, 0.5))))
    assert told.pop("tab") == "attack"
    values = {**preset_config("quick").to_json(), "lanes": [told.pop("lanes")]}
    for key, text in told.items():
        values[key] = type(getattr(AttackConfig(), key))(text)
    wanted = with_budget(named_attack(name, "quick", lanes=("zero",)), 700)
    assert linked_config(values) == replace(wanted, preset=linked_config(values).preset)


def test_sentences_claim_no_more_than_intervals_carry() -> None:
    zero = row("zero", "a", taa=0.5, brep_mi=0.5)
    assert "No attack without the gradient clearly beats" in headline([zero])
    assert gap_sentence(zero).startswith(f"Too close to tell over {PEOPLE} people")
    assert shield_sentence(zero, zero) == ""
    lower = row("negative", "b", taa=0.25, brep_mi=0.0)
    assert gap_sentence(lower).startswith("With the gradient more than without")
    assert (
        shield_sentence(lower, zero) == "Under each one’s best attack 25.0 points less than zero."
    )
    # An attack on few people does not decide over many.
    few = replace(lower.cells["brep_mi"], identities=[0, 1], acc1=share([1.0, 1.0]))
    slow = replace(lower, cells={**lower.cells, "brep_mi": few})
    assert shield_sentence(slow, zero) == shield_sentence(lower, zero)
    mixed = replace(lower.cells["taa"], acc1=share([float(n % 2) for n in NUMBERS]))
    unsure = replace(lower, cells={**lower.cells, "taa": mixed})
    assert "no difference from zero is certain" in shield_sentence(unsure, zero)


def test_the_line_up_deals_from_a_cell(engine: Engine) -> None:
    dealer = Dealer(engine, LineUpRooms())
    assert dealer.cells_to_deal() == [
        "zero/taa",
        "zero/brep_mi",
        "negative/taa",
        "negative/brep_mi",
    ]
    with pytest.raises(ConfigError, match="no pictures 'zero/mirror'"):
        dealer.deal_cell(dealer.rooms.create(), "zero/mirror", 2)


def test_the_headline_names_what_is_certain_against_the_plain_target() -> None:
    plain = row("zero", "a", cross_entropy=0.5, temperature=0.75, random=0.25)
    hidden = row("negative", "b", cross_entropy=0.25, temperature=0.625, random=0.25)
    assert headline([plain, hidden]) == (
        "Large logits of negative hide the gradient from the plain attack; dividing them by a "
        "temperature brings it back. Under each one’s best attack negative gives less away than "
        "zero, by 12.5 points. The face embedder agrees."
    )
    unseen = share([0.5] * PEOPLE)
    same_faces = replace(
        hidden, cells={n: replace(c, face_rank1=unseen) for n, c in hidden.cells.items()}
    )
    faces = replace(plain, cells={n: replace(c, face_rank1=unseen) for n, c in plain.cells.items()})
    assert headline([faces, same_faces]).endswith("By the face embedder, none of that is clear.")
    as_plain = row("negative", "b", cross_entropy=0.5, temperature=0.75, random=0.25)
    assert headline([plain, as_plain]).startswith("No attack without the gradient clearly beats")


def test_the_headline_takes_the_mean_of_several_trainings() -> None:
    plain, hidden = row("zero", "a", taa=0.75), row("negative", "b", taa=0.5)
    again = [replace(plain, lane="zero@43"), replace(hidden, lane="negative@43", cells=plain.cells)]
    alone = replace(hidden, lane="negative@44")  # without a plain training of its seed
    assert headline([plain, hidden, *again, alone]) == (
        "Under each one’s best attack negative (mean of 2 trainings) gives less away than zero, by "
        "12.5 points. The face embedder agrees."
    )


def test_a_temperature_that_brings_the_gradient_back_is_told() -> None:
    hidden = row("negative", "a", cross_entropy=0.25, temperature=0.75, random=0.5)
    assert temperature_sentence(hidden) == (
        "Logits hide the gradient: with a temperature the plain attack gets 50.0 points more "
        "(+50.0 to +50.0)."
    )
    assert headline([hidden]).startswith("Large logits of negative hide the gradient")
    assert temperature_sentence(row("zero", "b", cross_entropy=0.5, temperature=0.5)) == ""
    assert temperature_sentence(row("zero", "b", poincare=0.5)) == ""
