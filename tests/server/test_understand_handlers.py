"""The Understand page's events on the embedded zoo, with and without recorded results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from mia_demo.attack.config import preset_config
from mia_demo.sweep.results import Record, SweepResults, save_results
from mia_demo.sweep.rows import LaneRow, row_from_json
from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import build_app
from mia_demo.ui.engine.attack_news import Curves, FinishedAttack
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.understand.handlers import UnderstandHandlers
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo

VISITOR = gr.Request(session_hash="visitor")
LANES = ["positive", "zero", "negative"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The embedded zoo without recorded results."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    for path in EMBEDDED_ZOO.iterdir():
        if path.is_file():
            (zoo / path.name).symlink_to(path)
    return zoo


def handlers_on(root: Path) -> UnderstandHandlers:
    return UnderstandHandlers(Engine(FolderZoo(root), choose_compute("cpu"), root / "runs"))


def last(views: Any) -> Any:
    *_, view = views
    return view


def photos(handlers: UnderstandHandlers, number: int, count: int) -> np.ndarray:
    """Training photos in the place of reconstructions: they must land at home."""
    images, _ = handlers.engine.identities.tensors(64, labels=[number], indices=range(count))
    return images.permute(0, 2, 3, 1).numpy()


def row(lane: str) -> LaneRow:
    shares = ("acc1", "acc5", "delta_eval", "delta_face", "precision", "recall", "density")
    more = ("coverage", "frechet", "extraction_train", "extraction_test")
    figures: dict[str, Any] = dict.fromkeys((*shares, *more), 0.5)
    known = {"lane": lane, "alpha": 0.0, "test_accuracy": 0.99, "acc1_ci95": [0.4, 0.6]}
    return row_from_json({**figures, **known, "refused": {"attributes": "none"}})


def recorded(handlers: UnderstandHandlers) -> SweepResults:
    zoo = handlers.engine.zoo
    best = np.stack([photos(handlers, number, 1)[0] for number in (3, 4)])
    record = Record(
        date="2026-01-02T03:04:05+00:00",
        commit="0123456789ab",
        settings={"loss": "cross_entropy"},
        identities=[3, 4],
        seeds=[0],
        lanes=LANES,
        device="cpu",
        precision="fp32",
        seconds=1.0,
        versions={},
        checkpoints={name: zoo.entry(name).stored.sha256 for name in LANES} | {"prior": "old"},
    )
    points = [(0, None), (10, 0.5), (20, -0.25)]
    curve = [
        {"step": step, "acc1": 0.5, "target_confidence": 0.5, "gradient_cosine": cosine}
        for step, cosine in points
    ]
    return SweepResults(
        record=record,
        rows=[row(lane) for lane in LANES],
        attacks={lane: [] for lane in LANES},
        curves=dict.fromkeys(LANES, curve),
        pictures=np.stack([best] * 3),
    )


def write_recorded(root: Path) -> None:
    save_results(recorded(handlers_on(root)), root / "results" / "standard")


def test_nothing_recorded_and_nothing_attacked(root: Path) -> None:
    handlers = handlers_on(root)
    assert handlers.gradients(VISITOR)["source"] == "none"
    lists, views = zip(*handlers.open_embedding("", VISITOR), strict=True)
    # Told once: afterwards the visitor may be writing another.
    assert lists == ("0,1,2,3,4", *[gr.skip()] * (len(lists) - 1))
    view = views[-1]
    assert [lane["name"] for lane in view["lanes"]] == LANES
    for lane in view["lanes"]:
        assert len(lane["points"]) == 5 * handlers.engine.zoo.manifest.train_images
        assert lane["landed"] == []
    assert view["status"].startswith("No reconstructions to show yet")


def test_recorded_figures_stand_in_and_say_that_the_zoo_has_changed(root: Path) -> None:
    write_recorded(root)
    handlers = handlers_on(root)
    view = handlers.gradients(VISITOR)
    assert view["source"] == "recorded"
    assert view["words"] == (
        "Recorded sweep: mean over 2 identities, 1 seed, cross-entropy loss. "
        "Recorded with other weights than this zoo has now: prior."
    )
    assert view["lanes"][2]["points"] == [[10, 0.5], [20, -0.25]]
    _, embedding = last(handlers.open_embedding("3,4,5", VISITOR))
    for lane in embedding["lanes"]:
        # Photos land nearest to their own people.
        assert [landed["person"] for landed in lane["landed"]] == [0, 1]
        assert lane["figures"][4] == "2 of 2"


def test_the_visitors_own_attack_comes_first(root: Path) -> None:
    write_recorded(root)
    handlers = handlers_on(root)
    cosines = {name: [float("nan"), 0.5] for name in LANES}
    config = preset_config("quick", identity=7, lanes=tuple(LANES), steps=2)
    own = FinishedAttack(
        config, Curves(cosines, cosines), dict.fromkeys(LANES, photos(handlers, 7, 4))
    )
    handlers.engine.finished_attacks.put("visitor", own)
    assert handlers.gradients(VISITOR)["source"] == "yours"
    # Another visitor sees the recorded figures.
    assert handlers.gradients(gr.Request(session_hash="other"))["source"] == "recorded"
    lists, views = zip(*handlers.open_embedding("3,4", VISITOR), strict=True)
    assert lists[0] == "7,0,1,2,3"
    view = views[-1]
    assert view["status"] == "The small pictures are your reconstructions of 7."
    assert [len(lane["landed"]) for lane in view["lanes"]] == [4, 4, 4]
    # A list that has the identity already stays, and is not written again.
    assert {str(told) for told, _ in handlers.open_embedding("9,7", VISITOR)} == {str(gr.skip())}
    number, label = handlers.open_label(0, -0.05, VISITOR)
    assert (number, label["identity"]) == (7, 7)


def test_a_classifier_trained_meanwhile_is_looked_at_too(root: Path) -> None:
    handlers = handlers_on(root)
    zoo = handlers.engine.zoo

    def seen() -> tuple[dict[str, Any], dict[str, Any]]:
        _, embedding = last(handlers.open_embedding("3,4", VISITOR))
        label = handlers.label(3, 0.1)
        return {n["name"]: n["figures"] for n in embedding["lanes"]}, {
            n["name"]: n["logit"] for n in label["lanes"]
        }

    before = seen()
    names = []
    for lane in ("positive", "zero"):
        names.append(zoo.own.add(zoo.entry(lane), zoo.tensors(lane)))
        for figures in seen():
            assert figures[names[-1]] == figures[lane]
        zoo.own.remove(names[-1])
    assert names == ["own-1", "own-1"]  # the same name, other weights
    assert seen() == before


@pytest.mark.parametrize(
    ("identities", "message"),
    [
        ("5", "Name 2 to 6 identities, not 1."),
        ("0-9", "Name 2 to 6 identities, not 10."),
        ("5,100", "Identity 100 does not exist; choose from 0 to 99."),
        ("x", "is not a list such as"),
    ],
)
def test_a_wrong_list_gets_one_sentence(root: Path, identities: str, message: str) -> None:
    with pytest.raises(gr.Error, match=message):
        last(handlers_on(root).embedding(identities, VISITOR))


@pytest.mark.parametrize(
    ("identity", "alpha", "message"),
    [
        (None, 0.1, "Fill in the identity"),
        (100, 0.1, "Identity 100 does not exist"),
        (5, 0.51, "must lie between -0.3 and 0.5"),
    ],
)
def test_a_wrong_label_gets_one_sentence(
    root: Path, identity: float | None, alpha: float, message: str
) -> None:
    with pytest.raises(gr.Error, match=message):
        handlers_on(root).label(identity, alpha)


def test_opening_the_demo_computes_none_of_these_views(root: Path) -> None:
    app = build_app(handlers_on(root).engine)
    fired = [event for event in app.fns.values() if any(t[1] == "load" for t in event.targets)]
    assert fired
    assert not any("UnderstandHandlers" in event.fn.__qualname__ for event in fired if event.fn)
