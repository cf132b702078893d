"""Rounds of a line-up: who is shown, what the evaluator says, how votes are counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from mia_demo.data.identities import IdentitySet
from mia_demo.errors import ConfigError
from mia_demo.lesson.line_up import (
    ALL_LANES,
    SAME_PERSON,
    SOMEBODY_ELSE,
    Ballot,
    LineUp,
    choose_identities,
    make_control,
    make_line_up,
    plan_rounds,
    rounds_csv,
    tally,
)
from mia_demo.metrics.intervals import wilson_interval
from mia_demo.sweep.judging import Judge
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

PIXELS = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def judge(zoo: Zoo, compute: Compute) -> Judge:
    return Judge(zoo, compute)


@pytest.fixture(scope="module")
def people(zoo: Zoo) -> IdentitySet:
    return zoo.identities()


def line_up(lane: str = "zero", *, choice: int = 2, top1: int = 12) -> LineUp:
    """Identities 10 to 17; 12, the third photo, is the true one."""
    shown = tuple(range(10, 18))
    return LineUp(lane, 0.0, 12, 5, PIXELS, shown, np.stack([PIXELS] * 8), choice, top1)


def revealed(shown: LineUp, *positions: int) -> Ballot:
    return Ballot(shown, {f"voter {n}": p for n, p in enumerate(positions)}, is_revealed=True)


def test_distractors_are_the_evaluators_likeliest_others() -> None:
    logits = torch.arange(20.0)
    # Identity 3 ranks low and is shown all the same.
    chosen = choose_identities(3, logits, np.random.default_rng(0))
    assert set(chosen) == {3, *range(13, 20)}
    assert set(choose_identities(19, logits, np.random.default_rng(0))) == set(range(12, 20))


def test_the_truth_is_anywhere_and_the_seed_says_where() -> None:
    logits = torch.arange(20.0)
    orders = [choose_identities(3, logits, np.random.default_rng(seed)) for seed in range(400)]
    places = Counter(order.index(3) for order in orders)
    assert set(places) == set(range(8))
    assert max(places.values()) < 80  # 50 each are expected
    # Nor does the order tell how the evaluator ranks the others.
    assert 150 < sum(order.index(19) < order.index(18) for order in orders) < 250
    again = choose_identities(3, logits, np.random.default_rng(7))
    assert again == orders[7]


def test_too_small_a_zoo_gets_one_sentence() -> None:
    with pytest.raises(ConfigError, match="needs 8 identities, and this zoo has 5"):
        choose_identities(0, torch.zeros(5), np.random.default_rng(0))


def test_a_photo_in_the_reconstructions_place_is_found(judge: Judge, people: IdentitySet) -> None:
    photo, _ = people.tensors(64, labels=[17], indices=[3])
    pixels = photo[0].permute(1, 2, 0).contiguous().numpy()
    made = [
        make_line_up(
            judge, people, pixels, identity=i, lane="zero", seed=0, rng=np.random.default_rng(1)
        )
        for i in (17, 17, 80)
    ]
    first, again, mistaken = made
    assert first.evaluator_top1 == 17
    assert first.identities[first.truth] == 17
    assert first.evaluator_choice == first.truth
    assert first.photos.shape == (8, 128, 128, 3)
    assert (first.photos == again.photos).all()
    # Meant to be 80, it shows 17: the evaluator is fooled, and 80 is in the line-up anyhow.
    assert mistaken.identities[mistaken.truth] == 80
    assert mistaken.identities[mistaken.evaluator_choice] == mistaken.evaluator_top1 == 17


def test_rounds_are_spread_over_lanes_and_repeat_nobody() -> None:
    plan = plan_rounds(7, ["positive", "zero", "negative"], range(10, 30), seed=3)
    identities, lanes = zip(*plan, strict=True)
    assert len(set(identities)) == 7
    assert set(identities) <= set(range(10, 30))
    assert sorted(Counter(lanes).values()) == [2, 2, 3]
    assert plan == plan_rounds(7, ["positive", "zero", "negative"], range(10, 30), seed=3)
    assert plan != plan_rounds(7, ["positive", "zero", "negative"], range(10, 30), seed=4)
    with pytest.raises(ConfigError, match="Only 2 identities are left"):
        plan_rounds(3, ["zero"], [1, 2], seed=0)
    with pytest.raises(ConfigError, match="No lane is chosen"):
        plan_rounds(3, [], range(9), seed=0)


def test_wilson_interval() -> None:
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, count, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson_interval(hits, count) == pytest.approx([low, high], abs=5e-5)
    with pytest.raises(ConfigError, match="0 hits of 0 answers"):
        wilson_interval(0, 0)


def test_the_tally_counts_lane_by_lane() -> None:
    hidden = Ballot(line_up(), {"a": 2})
    rows = tally(
        [
            revealed(line_up("zero"), 2, 2, 5),
            revealed(line_up("negative", choice=0, top1=99), 1, 1),
            revealed(line_up("zero", top1=10), 2),
            revealed(line_up("negative")),  # nobody voted: says nothing about anybody
            hidden,
        ]
    )
    zero, negative, everything = rows
    assert (zero.lane, zero.rounds, zero.votes, zero.hits) == ("zero", 2, 4, 3)
    assert (zero.choice_hits, zero.top1_hits) == (2, 1)
    assert zero.interval == wilson_interval(3, 4)
    assert (negative.rounds, negative.votes, negative.hits) == (1, 2, 0)
    assert (negative.choice_hits, negative.top1_hits) == (0, 0)
    assert (everything.lane, everything.votes, everything.hits) == ("all lanes", 6, 3)
    assert tally([hidden]) == []


def test_controls_count_apart_from_attacks_and_give_false_positives() -> None:
    rows = tally(
        [
            revealed(line_up("zero"), 2, 5),
            revealed(replace(line_up(SOMEBODY_ELSE, choice=2), alpha=None), 2, 1, 0, 4),
            revealed(replace(line_up(SAME_PERSON), alpha=None), 2, 2),
            revealed(line_up("negative"), 1),
        ]
    )
    lanes = ["zero", "negative", ALL_LANES, SAME_PERSON, SOMEBODY_ELSE]
    assert [row.lane for row in rows] == lanes
    assert (rows[2].votes, rows[2].hits) == (3, 1)  # of attacks alone
    assert (rows[4].votes, rows[4].hits, rows[4].choice_hits) == (4, 1, 1)


def test_a_control_shows_the_person_or_nobody_of_the_eight(
    judge: Judge, people: IdentitySet
) -> None:
    same = make_control(judge, people, SAME_PERSON, identity=17, seed=3)
    assert same.evaluator_top1 == same.identities[same.truth] == 17
    assert same.alpha is None
    other = make_control(judge, people, SOMEBODY_ELSE, identity=17, seed=3)
    assert other.identities[other.truth] == 17
    assert other.evaluator_top1 not in other.identities  # whom it shows, and rightly named


def test_the_csv_holds_counts_of_revealed_rounds_alone() -> None:
    ballots = [
        revealed(replace(line_up("negative", choice=0), alpha=-0.05), 2, 2, 7),
        Ballot(line_up("positive"), {"secret word": 3}),
    ]
    text = rounds_csv(ballots)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["round"] == "1"
    assert (row["lane"], row["alpha"], row["seed"]) == ("negative", "-0.05", "5")
    assert (row["true_identity"], row["votes"], row["hits"]) == ("12", "3", "2")
    assert (row["evaluator_choice"], row["evaluator_top1"]) == ("10", "12")
    assert [row[f"photo_{n}_votes"] for n in range(1, 9)] == list("00200001")
    assert [row[f"photo_{n}_identity"] for n in range(1, 9)] == [str(n) for n in range(10, 18)]
    assert "voter" not in text
    assert "positive" not in text
