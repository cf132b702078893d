"""What the attack board shows, as plain JSON: also the value that API clients receive."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.frames import StepDetail
from mia_demo.attack.stages import SHOWN
from mia_demo.data.identities import IdentitySet
from mia_demo.data.pictures import small_data_uri
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import DEFENCES
from mia_demo.report.columns import against_text
from mia_demo.ui.boards.board_words import called, photo_words, title_of
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.visitors.own_people import People

BOARD_PHOTOS = 9  # real training photos beside the reconstructions
BOARD_PHOTO_SIZE = 128
FACE_PIXELS = 64
OTHERS = SHOWN - 1  # small pictures per lane; the best one is large

MIN_TRAINED_ACCURACY = 0.5  # on test photos; below it a result says nothing about the smoothing
HARDLY_TRAINED = (
    "Hardly trained: it recognises few of these people itself, so what leaks, or does not, says "
    "nothing about its smoothing."
)
EXPECTATIONS = {
    1: "Positive smoothing: the paper finds that it lets more of the face leak.",
    0: "No smoothing: the baseline. The paper finds that it leaks as well.",
    -1: "Negative smoothing: the paper finds that it shields the face.",
}
OTHER_DEFENCE = "Trained with {}: the Shield page shows what other attacks get out of it."


@dataclass(frozen=True)
class Picture:
    uri: str
    alt: str


@dataclass(frozen=True)
class LaneView:
    """A column of the board.

    Attributes:
        style: number of its colour and dash pattern.
        alpha_text: α, or the name of another defence.
        label: the smoothed label of the right person, 1 without smoothing.
        detail: the newest step in numbers.
        mistaken: a photo of whom the evaluator takes it for, if that is somebody else.
        others: always ``OTHERS`` long, filled up with None: Gradio sends differences, and those
            of a list that lost two elements cannot be applied (gradio_client 2.7).
    """

    name: str
    style: int
    alpha: float
    test_accuracy: float | None
    alpha_text: str
    accuracy_text: str
    expectation: str
    label: float = 1.0
    is_trained: bool = True
    picture: Picture | None = None
    mistaken: Picture | None = None
    others: tuple[Picture | None, ...] = (None,) * OTHERS
    target_confidence: float | None = None
    evaluator_top1: int | None = None
    verdict: str = ""
    certainty: str = ""
    recognised: bool = False
    confidence_curve: str = ""
    cosine_curve: str = ""
    gradient_cosine: float | None = None
    detail: StepDetail | None = None


@dataclass(frozen=True)
class BoardView:
    """The whole board.

    Attributes:
        phase: ready, waiting, loading, running, stopped, done or failed.
        title: who is under attack.
        stage, step, total_steps: of the attack; stage is empty before the first frame.
        progress: 0..1 over all stages.
        status: one sentence on what is happening.
        announcement: the status for screen readers, changed at most once per second.
        is_own: the people are not the demo's, so its recordings are not of them.
        names: of the people, by label, where they have some.
        photo_words: whose photos these are: rendered, a visitor's own, or of another zoo.
        shown: identity, preset and seed of the attack, once there is one.
        form: the settings it was started with, as in the page's fields.
        is_older: the fields have changed since; set by the browser.
        run: key of the kept run; empty while there is none.
        replay: the recording of an attack that is over (see ``replay_view.replay_json``).
    """

    phase: str
    identity: int
    status: str
    announcement: str
    photos: tuple[Picture, ...]
    lanes: tuple[LaneView, ...]
    stage: str = ""
    step: int = 0
    total_steps: int = 0
    progress: float = 0.0
    seconds: float = 0.0
    title: str = ""
    photo_words: str = ""
    is_own: bool = False
    names: tuple[str, ...] = ()
    cosine_low: float = 0.0  # the lower end of the gradient cosine's axis
    shown: str = ""
    form: tuple[Any, ...] = ()
    is_older: bool = False
    run: str = ""
    replay: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def ready_board(people: People, identity: int, lanes: Sequence[str], before: str = "") -> BoardView:
    """The board before an attack: real photos and empty lanes.

    Args:
        before: what has just happened, if it needs saying.

    Raises:
        DemoError: a photo or a lane's entry cannot be read.
    """
    zoo, who = people.zoo, called(identity, people.names)
    status = f"{before or 'Ready.'} Start attacks {who}."
    return BoardView(
        phase="ready",
        identity=identity,
        status=status,
        announcement=status,
        title=title_of(identity, people.names),
        photo_words=photo_words(people),
        is_own=bool(people.key),
        names=people.names,
        photos=board_photos(people, identity),
        lanes=tuple(
            _empty_lane(people, name, style) for name, style in styles_in(zoo, lanes).items()
        ),
    )


def named_face(people: People, identity: int) -> Picture | None:
    """A small photo of whom an evaluator names; None if these people have no such identity.

    Raises:
        DataError: the photo cannot be read.
    """
    photo = photo_of(people.identities, identity, FACE_PIXELS)
    if photo is None:
        return None
    words = f"Photo of {called(identity, people.names)}, whom the evaluator names"
    return Picture(small_data_uri(photo), words)


def photo_of(
    identities: IdentitySet, identity: int, size: int = BOARD_PHOTO_SIZE
) -> npt.NDArray[np.uint8] | None:
    """A training photo of the identity [R, R, 3]; None if there is no such identity."""
    if identity >= len(identities):
        return None
    images, _ = identities.tensors(size, labels=[identity], indices=[0])
    return images[0].permute(1, 2, 0).numpy()


def board_photos(people: People, identity: int) -> tuple[Picture, ...]:
    """A few photos of the identity that the classifiers were trained on.

    Raises:
        DataError: a photo cannot be read.
    """
    # Spread over the training split, so that pose and light differ.
    identities, who = people.identities, called(identity, people.names)
    trained_on = people.zoo.images_of(identities, identity, "train")
    count = min(BOARD_PHOTOS, len(trained_on))
    indices = [trained_on[position * len(trained_on) // count] for position in range(count)]
    images, _ = identities.tensors(BOARD_PHOTO_SIZE, labels=[identity], indices=indices)
    return tuple(
        Picture(
            small_data_uri(image.permute(1, 2, 0).numpy()),
            f"Real training photo {number} of {who}",
        )
        for number, image in enumerate(images, start=1)
    )


def _empty_lane(people: People, name: str, style: int) -> LaneView:
    entry, classes = people.zoo.entry(name), len(people.identities)
    alpha = entry.alpha or 0.0
    return empty_lane(name, style, alpha, entry.test_accuracy, defence=entry.defence, among=classes)


def empty_lane(
    name: str, style: int, alpha: float, accuracy: float | None, *, defence: str, among: int
) -> LaneView:
    """A lane without a result yet.

    Args:
        among: how many people its classifier was trained on.
    """
    is_trained = accuracy is None or accuracy >= MIN_TRAINED_ACCURACY
    expectation = EXPECTATIONS[(alpha > 0) - (alpha < 0)]
    if defence != LabelSmoothing.name:
        expectation = OTHER_DEFENCE.format(DEFENCES[defence].title)
    return LaneView(
        name=name,
        style=style,
        alpha=alpha,
        test_accuracy=accuracy,
        alpha_text=against_text(alpha, defence),
        accuracy_text=(
            "test accuracy not measured" if accuracy is None else f"{accuracy:.1%} test accuracy"
        ),
        expectation=expectation if is_trained else HARDLY_TRAINED,
        label=round(1 - alpha + alpha / among, 3),
        is_trained=is_trained,
    )
