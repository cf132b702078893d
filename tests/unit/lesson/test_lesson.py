"""The lesson: its figures are the recorded ones, and its worksheet hides the answers."""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures, OwnAttack
from mia_demo.lesson.steps import LESSON_LANES, LESSON_STEPS, PERSON, LessonStep, steps_with
from mia_demo.lesson.worksheet import worksheet
from mia_demo.metrics.estimates import Estimate
from mia_demo.report.columns import percent
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.sweep.results import load_results
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.reading import Zoo


@pytest.fixture(scope="module")
def figures(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return Figures(zoo, ResultsLibrary(zoo, tmp_path_factory.mktemp("runs")))


def step_named(name: str) -> LessonStep:
    return next(step for step in LESSON_STEPS if step.name == name)


def test_it_fills_a_lesson_of_45_minutes() -> None:
    assert sum(step.minutes for step in LESSON_STEPS) == 45
    assert len({step.name for step in LESSON_STEPS}) == len(LESSON_STEPS)


def test_every_step_reveals_one_of_its_choices(figures: Figures) -> None:
    for step in LESSON_STEPS:
        revealed = step.reveal(figures)
        assert revealed.paragraphs, step.name
        assert revealed.answer is None or 0 <= revealed.answer < len(step.choices)
    assert [step.name for step in LESSON_STEPS if step.reveal(figures).answer is None] == ["ethics"]


def test_the_answer_follows_from_the_recorded_table(figures: Figures) -> None:
    rows = {row.lane: row for row in figures.sweep("standard").rows}
    most = max(LESSON_LANES, key=lambda lane: rows[lane].acc1.known)
    revealed = step_named("attack").reveal(figures)
    assert revealed.answer == LESSON_LANES.index(most)
    for lane in LESSON_LANES:
        assert f"{lane} {percent(rows[lane].acc1.known)}" in " ".join(revealed.paragraphs)


def test_another_table_gives_another_answer(figures: Figures) -> None:
    results = figures.sweep("standard")
    turned = [replace(row, acc1=Estimate(1 - row.acc1.known)) for row in results.rows]
    other = Figures(figures.zoo, figures.library, cited={"standard": replace(results, rows=turned)})
    assert step_named("attack").reveal(other).answer == LESSON_LANES.index("negative")


def test_the_visitors_own_attack_is_told_first(figures: Figures) -> None:
    own = OwnAttack(
        7, "cross_entropy", "cross-entropy loss", {"positive": 7, "zero": 7, "negative": 3}
    )
    mine = Figures(figures.zoo, figures.library, own)
    first = step_named("attack").reveal(mine).paragraphs[0]
    assert first == (
        "Your last attack, on identity 7 (cross-entropy loss): "
        "the evaluator recognises the person in positive, zero."
    )


def test_missing_results_are_named_and_not_made_up(tmp_path: Path) -> None:
    for path in EMBEDDED_ZOO.iterdir():
        if path.is_file():
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(EMBEDDED_ZOO / "results" / "standard", tmp_path / "results" / "standard")
    zoo = FolderZoo(tmp_path)
    figures = Figures(zoo, ResultsLibrary(zoo, tmp_path / "runs"))
    with pytest.raises(DataError, match="without the recorded results 'poincare'"):
        step_named("poincare").reveal(figures)
    sheet = html.unescape(worksheet(LESSON_STEPS, figures))
    assert "without the recorded results 'poincare'" in sheet


def test_the_lessons_person_comes_out_as_most_people_do(zoo: Zoo) -> None:
    sweeps = {
        "standard": {"positive": 1, "zero": 1, "negative": 0},
        "alphas": {"alpha+0.1": 1, "alpha0": 1, "alpha-0.05": 0},
        "stages": {"zero": 1, "negative": 0},
    }
    typical = [
        {attack.identity for attack in attacks[lane] if attack.acc1 == share}
        for sweep, shares in sweeps.items()
        for attacks in [load_results(zoo.root / "results" / sweep).attacks]
        for lane, share in shares.items()
    ]
    assert min(set.intersection(*typical)) == PERSON  # the first, not one that was picked


def test_steps_of_absent_pages_are_left_out() -> None:
    assert [step.tab for step in steps_with(["train", "understand"])] == [
        step.tab for step in LESSON_STEPS if step.tab in ("train", "understand")
    ]


@pytest.fixture(scope="module")
def sheet(figures: Figures) -> str:
    return html.unescape(worksheet(LESSON_STEPS, figures, "http://192.168.0.7:7860/"))


def test_questions_come_before_all_answers(figures: Figures, sheet: str) -> None:
    page = sheet
    questions, answers = page.split('<div class="answers">')
    assert "break-before: page" in page
    for step in LESSON_STEPS:
        assert step.question in questions
        for paragraph in step.reveal(figures).paragraphs:
            assert paragraph in answers
            assert paragraph not in questions
    assert not re.search(
        r"\d%", re.sub("<img[^>]+>", "", questions.split("<body>")[1])
    )  # no figure gives an answer away
    assert 'href="http://192.168.0.7:7860/?lesson=3"' in questions
    assert questions.count("<img") == 8
    assert answers.count("<img") == 4
    assert "commit" in answers


def test_a_worksheets_addresses_work_from_another_machine(figures: Figures, sheet: str) -> None:
    assert "http://192.168.0.7:7860/?lesson=1" in sheet
    for own in ("http://127.0.0.1:7860/", "http://localhost:7860/", "http://[::1]:7860/"):
        sheet = html.unescape(worksheet(LESSON_STEPS, figures, own))
        assert own not in sheet
        assert "Address of the demo:" in sheet  # a line to write the class's address on
        assert ">?lesson=3<" in sheet
