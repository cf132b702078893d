"""What a lane's card says before an attack."""

from __future__ import annotations

from dataclasses import replace

from mia_demo.ui.boards.attack_view import empty_lane
from mia_demo.ui.boards.board_words import called, title_of, verdict_words
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.shared.lanes import demo_choices
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.reading import SelectedZoo

PLAIN = {"defence": "label_smoothing", "among": 100}


def test_a_hardly_trained_lane_says_so_whatever_its_smoothing() -> None:
    for alpha in (-0.05, 0.0, 0.1):
        words = empty_lane("own-1", 0, alpha, 0.05, **PLAIN).expectation
        assert words.startswith("Hardly trained")
        assert "shields" not in words
    assert "shields the face" in empty_lane("negative", 2, -0.05, 0.99, **PLAIN).expectation
    assert "shields the face" in empty_lane("foreign", 2, -0.05, None, **PLAIN).expectation


def test_a_lane_of_another_defence_says_which_and_has_no_factors_colour() -> None:
    lane = empty_lane("midre", 9, 0.0, 0.99, defence="midre", among=100)
    assert lane.alpha_text == "MIDRE"
    assert lane.expectation.startswith("Trained with MIDRE")
    zoo = open_zoo()
    plain, defended = zoo.entry("zero"), replace(zoo.entry("zero"), name="guard", defence="midre")
    both = SelectedZoo(zoo, [defended, plain])
    assert demo_choices(both) == [("zero", "zero"), ("guard (MIDRE)", "guard")]
    assert both.default_lanes() == ["zero"]
    styles = styles_in(both, ["guard"])
    assert styles != styles_in(both, ["zero"])


def test_own_people_go_by_their_names() -> None:
    names = ("Ada", "Bob")
    assert called(1, names) == title_of(1, names) == "Bob"
    assert verdict_words(0, 1, names) == "taken for Ada"
    assert verdict_words(1, 1, names) == "recognised as Bob"
    assert verdict_words(3, 3) == "recognised as identity 3"
    assert title_of(3) == "Identity 3"
