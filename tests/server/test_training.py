"""A training started from the page: form, plan, work and words, without a browser."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import new_classifier, with_usual_start
from mia_demo.system.device import Compute
from mia_demo.system.files import write_json
from mia_demo.training.logits import logit_histogram
from mia_demo.ui.boards.training_view import TrainingPresenter, own_list
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.people_training import Series, SeriesStep
from mia_demo.ui.engine.training import (
    Epoch,
    TrainingPlan,
    TrainingUpdate,
    plan_training,
    training_work,
    unfinished_trainings,
)
from mia_demo.ui.engine.training_form import RECIPE, form_of, parse_training
from mia_demo.ui.shared.lanes import target_choices
from mia_demo.ui.train.handlers import TrainHandlers
from mia_demo.ui.train.offer import NO_OFFER, offer_unfinished
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST
from tests.few_photos import zoo_of_few_photos
from tests.server.visits import visit

FORM: tuple[Any, ...] = (-0.05, 8, 20, "early", "compact_resnet", 0.001, 42)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> FolderZoo:
    return zoo_of_few_photos(tmp_path_factory.mktemp("few") / "zoo")


@pytest.fixture
def engine(zoo: FolderZoo, tmp_path: Path) -> Engine:
    return Engine(zoo, Compute(torch.device("cpu"), torch.float32), tmp_path / "runs")


def test_the_form_starts_from_the_recipe_of_the_demos_lanes(engine: Engine) -> None:
    form, images = parse_training(*FORM)
    assert images == 8
    config = with_usual_start(form, engine.zoo)
    differing = {name for name, value in vars(config).items() if value != getattr(RECIPE, name)}
    assert differing == {"alpha", "epochs"}


def test_a_training_starts_from_the_zoos_pretrained_network(engine: Engine, tmp_path: Path) -> None:
    config = with_usual_start(parse_training(*FORM)[0], engine.zoo)
    network = new_classifier(engine.zoo, config, 100, tmp_path).network.state_dict()
    start = load_file(engine.zoo.verified_path(engine.zoo.entry("pretrained").stored))
    different = [
        key
        for key, weights in start.items()
        if weights.shape != network[key].shape or not torch.equal(weights.float(), network[key])
    ]
    assert len(different) == 2  # the head's weights and bias: it knows other people


def test_another_architecture_starts_from_random_weights(engine: Engine) -> None:
    form, _ = parse_training(*FORM[:4], "resnet18", *FORM[5:])
    assert with_usual_start(form, engine.zoo).initial_weights == "random"


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, 0.6, "α must lie between -0.2 and 0.5, not 0.6."),
        (0, None, "α is empty; fill it in."),
        (1, None, "Photos of each person is empty; fill it in."),
        (2, 101, "Epochs must lie between 1 and 100, not 101."),
        (3, "never", "No schedule 'never'; choose one of early, reference, at once."),
        (4, "../zoo", "No architecture '../zoo'; choose one of compact_resnet, resnet18"),
        (5, float("nan"), "Learning rate must lie between 1e-05 and 0.1, not nan."),
        (6, -1, "Seed must lie between 0 and 2,147,483,647, not -1."),
    ],
)
def test_a_slip_in_the_form_gets_one_sentence(position: int, value: Any, message: str) -> None:
    form = [*FORM[:position], value, *FORM[position + 1 :]]
    with pytest.raises(ConfigError) as error:
        parse_training(*form)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("schedule", "first"), [("early", 0.0), ("reference", 0.0), ("at once", -0.05)]
)
def test_every_schedule_ends_at_the_full_factor(
    engine: Engine, schedule: str, first: float
) -> None:
    config, images = parse_training(*FORM[:3], schedule, *FORM[4:])
    planned = TrainingPresenter(plan_training(engine.zoo, engine.runs, config, images)).view.planned
    assert planned[0] == first
    assert planned[-1] == -0.05
    assert len(planned) == 20


def test_more_photos_than_there_are_are_refused(engine: Engine) -> None:
    config, _ = parse_training(*FORM)
    with pytest.raises(ConfigError, match="must be 1 to 48, not 49"):
        plan_training(engine.zoo, engine.runs, config, 49)


def test_a_paused_training_goes_on_and_leaves_an_attackable_classifier(engine: Engine) -> None:
    embedded = (engine.zoo.base.root / MANIFEST).read_bytes()
    config, images = parse_training(-0.2, 1, 2, "at once", "compact_resnet", 0.001, 3)

    def plan() -> Any:
        return plan_training(engine.zoo, engine.runs, config, images)

    first = training_work(plan(), engine.zoo, engine)
    phases = []
    for update in first:
        phases.append(update.phase)
        if update.epochs:
            break
    first.close()
    assert phases[0] == "reading"
    assert plan().epochs_done() == 1
    paused = TrainingPresenter(plan()).paused()
    assert "Paused after epoch 1 of 2" in paused.status
    assert paused.progress == 0.5  # what is kept, not what had begun

    resumed = plan()
    updates = list(training_work(resumed, engine.zoo, engine))
    frames = [update.frame for update in updates if update.frame is not None]
    assert {frame.epoch for frame in frames} == {1}  # the first epoch is not computed again
    last = updates[-1]
    assert (last.phase, last.name) == ("done", "own-1")
    assert [epoch.number for epoch in last.epochs] == [1, 2]
    assert [epoch.alpha for epoch in last.epochs] == [-0.2, -0.2]

    entry = engine.zoo.entry("own-1")
    assert entry.alphas == [-0.2, -0.2]
    assert entry.training.images_per_identity == 1
    assert entry.test_accuracy == last.epochs[-1].test_accuracy
    assert engine.zoo.load_classifier("own-1").num_classes == 100
    assert not resumed.folder.exists()
    assert (engine.zoo.base.root / MANIFEST).read_bytes() == embedded
    (item,) = own_list(engine.zoo.own.targets(), engine.kept.names)["items"]
    assert item["settings"].startswith("1 photo of each person, 2 epochs")
    choices = target_choices(engine, engine.zoo)
    assert choices[-1] == ("own-1 (α −0.2)", "own-1")
    handlers = TrainHandlers(engine)
    own = handlers.own.rename({"chosen": "own-1", "title": "of my class"})
    assert own["items"][0]["title"] == "of my class"
    assert target_choices(engine, engine.zoo)[-1][0] == "own-1 (of my class, α −0.2)"
    assert handlers.own.rename({"chosen": "own-1", "title": ""})["items"][0]["title"] == ""
    with pytest.raises(ConfigError, match="own-1 was trained with exactly these settings"):
        plan()


def test_a_diverging_training_says_what_to_do(engine: Engine) -> None:
    # 100 photos; a rate far beyond what the form lets through.
    config, _ = parse_training(*FORM)
    wild = type(config)(**{**vars(config), "learning_rate": 1e30, "epochs": 3})
    plan = plan_training(engine.zoo, engine.runs, wild, 1)
    with pytest.raises(ConfigError, match="choose a smaller learning rate"):
        list(training_work(plan, engine.zoo, engine))
    assert engine.zoo.own.targets() == []


def test_a_failure_is_said_to_everybody_and_keeps_the_plan(engine: Engine) -> None:
    config, images = parse_training(*FORM)
    presenter = TrainingPresenter(plan_training(engine.zoo, engine.runs, config, images))
    assert presenter.update(TrainingUpdate("reading", None, [])).status == "Reading the photos …"
    failed = presenter.failed("No space.")
    assert (failed.phase, failed.status, failed.total) == ("failed", "No space.", 20)
    assert failed.announcement == "No space."


def begun_plan(engine: Engine) -> TrainingPlan:
    config, images = parse_training(*FORM)
    plan = plan_training(engine.zoo, engine.runs, with_usual_start(config, engine.zoo), images)
    plan.folder.mkdir(parents=True)
    write_json(plan.folder / "plan.json", plan.decisive())
    return plan


def finish_epoch(plan: TrainingPlan) -> None:
    epoch = Epoch(1, -0.05, 1.0, 0.5, 0.5, logit_histogram(torch.eye(4), torch.arange(4)))
    write_json(plan.folder / "history.json", [asdict(epoch)])


def test_an_unfinished_training_is_found_again(engine: Engine) -> None:
    assert unfinished_trainings(engine.zoo, engine.runs) == []
    plan = begun_plan(engine)
    assert unfinished_trainings(engine.zoo, engine.runs) == []  # no epoch is finished
    finish_epoch(plan)
    assert unfinished_trainings(engine.zoo, engine.runs) == [plan]
    names = ("alpha", "photos", "epochs", "schedule", "architecture", "learning_rate", "seed")
    assert form_of(plan.config, plan.images) == dict(zip(names, FORM, strict=True))
    for damaged in ('{"recipe": 5}', "[" * 200_000, '{"recipe": {"alpha": "x"}, "images": 8}'):
        (plan.folder / "plan.json").write_text(damaged)
        assert unfinished_trainings(engine.zoo, engine.runs) == []


def test_a_training_is_offered_as_soon_as_its_closed_tab_lets_it_go(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = begun_plan(engine)
    finish_epoch(plan)
    handlers = TrainHandlers(engine)
    computing, step_over = threading.Event(), threading.Event()

    def steps(*_: object) -> Generator[SeriesStep, None, None]:
        yield 0, TrainingUpdate("reading", None, [])
        computing.set()
        step_over.wait(30)

    monkeypatch.setattr("mia_demo.ui.train.handlers.series_work", steps)
    training = handlers._job(Series(engine.embedded, (plan,)))
    assert computing.wait(30)
    monkeypatch.setattr("mia_demo.ui.train.offer.ENDING_SECONDS", 0.0)
    assert offer_unfinished(handlers, visit("b"), None) is NO_OFFER  # another tab trains it
    monkeypatch.setattr("mia_demo.ui.train.offer.ENDING_SECONDS", 30.0)
    training.abandon()
    threading.Timer(0.2, step_over.set).start()
    board, *_ = offer_unfinished(handlers, visit("b"), None)
    assert "is unfinished" in board["announcement"]
