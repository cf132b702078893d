"""What the Understand page's components are given."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mia_demo.attack.config import preset_config
from mia_demo.metrics.embedding_view import EmbeddingView
from mia_demo.ui import understand
from mia_demo.ui.engine.attack_news import Curves, FinishedAttack
from mia_demo.ui.engine.sessions import SessionMemory
from mia_demo.ui.understand.label_view import label_json
from mia_demo.ui.understand.view import (
    LaneLabel,
    own_gradients_json,
    tightness,
)
from mia_demo.zoo.opening import open_zoo

TEXTS = Path(understand.__file__).with_name("texts")
LANES = [LaneLabel("positive", 0, 0.1), LaneLabel("negative", 2, -0.05)]
PHOTO = np.zeros((4, 4, 3), np.uint8)


def test_label_and_gradient_by_hand() -> None:
    # The paper sheet's vector: logits [2, 1, 0, -1], class 0, alpha -0.05.
    logits = {lane.name: torch.tensor([2.0, 1.0, 0.0, -1.0]) for lane in LANES}
    view = label_json(LANES, logits, 0, -0.05, PHOTO)
    assert view["label"] == [
        "y_LS[0] = (1 − α) · 1 + α / C = 1.05 + (−0.05) / 4 = 1.0375",
        "y_LS[other] = (1 − α) · 0 + α / C = (−0.05) / 4 = −0.0125",
    ]
    lane = view["lanes"][0]
    gradients = [row["values"][2] for row in lane["rows"]]
    assert gradients == pytest.approx([-0.393586, 0.249383, 0.099644, 0.044559], abs=1e-6)
    assert lane["formula"] == "∂L/∂o[0] = p − y_LS = 0.6439 − 1.0375 = −0.3936"
    assert lane["words"] == "A training step would push this logit up. Loss here: 0.365."
    assert [row["is_true"] for row in lane["rows"]] == [True, False, False, False]


def test_classes_without_a_name_share_a_row() -> None:
    logits = {lane.name: torch.tensor([0.0, 9.0, 3.0, 2.0, 1.0, 1.0]) for lane in LANES}
    rows = label_json(LANES, logits, 1, 0.1, PHOTO)["lanes"][0]["rows"]
    assert [row["name"] for row in rows] == [
        "identity 1, the true one",
        "identity 2",
        "identity 3",
        "identity 4",
        "2 others, each",
    ]
    # Gradients by the logits sum to zero.
    total = sum(row["values"][2] for row in rows[:4]) + 2 * rows[4]["values"][2]
    assert total == pytest.approx(0, abs=1e-6)


def test_gradient_figure_has_the_runs_curve_and_the_papers_figures() -> None:
    config = preset_config("quick", identity=7, lanes=("positive", "negative"), steps=4)
    cosines = {"positive": [math.nan, 0.9, 0.8, 0.7], "negative": [math.nan, 0.5, 0.0, -0.5]}
    view = own_gradients_json(LANES, FinishedAttack(config, Curves(cosines, cosines), {}))
    assert view["source"] == "yours"
    assert "identity 7" in view["words"]
    assert "4 steps" in view["words"]
    assert view["lanes"][0]["points"] == [[2, 0.9], [3, 0.8], [4, 0.7]]
    assert view["lanes"][1]["figures"] == ["+0.50", "+0.00", "−0.50", "+0.00"]
    assert view["lanes"][1]["paper"] == ["+0.78", "−0.19", "−0.45"]


def test_an_attack_of_one_step_has_no_figure() -> None:
    config = preset_config("quick", lanes=("positive",), steps=1)
    curves = Curves({"positive": [0.3]}, {"positive": [math.nan]})
    assert own_gradients_json(LANES, FinishedAttack(config, curves, {}))["source"] == "none"


def test_only_the_last_tabs_are_remembered() -> None:
    memory: SessionMemory[int] = SessionMemory(most=2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)


def view(intra: float) -> EmbeddingView:
    nowhere = torch.zeros(0, 2)
    return EmbeddingView(nowhere, nowhere, 1.0, intra, 10.0, None, None)


@pytest.mark.parametrize(("intra", "differs"), [((1, 2, 3), False), ((2, 1, 3), True)])
def test_tightness_says_where_it_is_not_the_papers(intra: tuple[float, ...], differs: bool) -> None:
    own = {"own-1": view(0.5)}  # a lane of the visitor's own decides nothing
    lanes = zip(("positive", "zero", "negative"), intra, strict=True)
    finding = tightness(own | {name: view(value) for name, value in lanes})
    assert finding.startswith("Tightest here, by intra / inter: own-1 (0.050), then")
    assert ("here it is not" in finding) is differs


def test_nothing_claims_to_learn_from_scratch_that_started_pretrained() -> None:
    starts = {
        entry.training.recipe.get("initial_weights") for entry in open_zoo().entries("target")
    }
    assert starts == {"pretrained"}
    text = (TEXTS / "background.html").read_text("utf-8")
    assert "from scratch" not in text
    assert "pretrained on other rendered people" in text
