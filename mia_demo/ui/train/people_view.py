"""The panel of a visitor's own people, as plain JSON."""

from typing import Any

from mia_demo.data.pictures import data_uri
from mia_demo.recipes.make_zoo import ZooRecipe
from mia_demo.report.columns import alpha_text
from mia_demo.ui.engine.training import unfinished_trainings
from mia_demo.visitors.own_people import OwnPeople
from mia_demo.visitors.upload import FEW_PHOTOS, STORED_SIDE, UploadSummary

PANEL_FACE_SIZE = 80
CLASSIFIER_SIDE = 64
FEW_PEOPLE = 20  # a guess is right in at least 5% of the cases
NOBODY: dict[str, Any] = {"key": "", "status": "", "progress": None, "people": [], "notes": []}
ALIGNMENT = (
    f"Photos are cropped to their centred square and kept at {STORED_SIDE} × {STORED_SIDE} pixels; "
    f"classifiers see {CLASSIFIER_SIDE} × {CLASSIFIER_SIDE}. Faces are not aligned: crop to the "
    "face before you pack the zip."
)


def reading(status: str, progress: float | None = None) -> dict[str, Any]:
    """The panel while an upload is read."""
    return {**NOBODY, "status": status, "progress": progress}


def people_panel(people: OwnPeople) -> dict[str, Any]:
    """The panel of stored people: their faces, notes on the photos, and how long they are kept."""
    summary = people.summary
    faces, _ = people.identities.tensors(PANEL_FACE_SIZE, indices=(0,))
    photos = sum(summary.photos)
    return {
        "key": people.key,
        "status": f"{len(summary.names)} people, {photos} photos.",
        "progress": None,
        "people": [
            {
                "name": name,
                "photos": count,
                "uri": data_uri(face.permute(1, 2, 0).numpy()),
            }
            for name, count, face in zip(summary.names, summary.photos, faces, strict=True)
        ],
        "notes": notes(summary),
        "deleted_at": people.deleted_at,
    }


def notes(summary: UploadSummary) -> list[str]:
    """What a visitor should know about the photos."""
    found = []
    few = [
        name
        for name, count in zip(summary.names, summary.photos, strict=True)
        if count < FEW_PHOTOS
    ]
    if few:
        who = few[0] if len(few) == 1 else f"{few[0]} and {len(few) - 1} more"
        has = "has" if len(few) == 1 else "have"
        found.append(
            f"{who} {has} fewer than {FEW_PHOTOS} photos: classifiers and evaluator may learn "
            "them badly, and test accuracy says little."
        )
    if summary.smallest < CLASSIFIER_SIDE:
        found.append(f"The smallest photo has a side of {summary.smallest} pixels: it is blown up.")
    if summary.cropped:
        some = "1 photo is" if summary.cropped == 1 else f"{summary.cropped} photos are"
        found.append(f"{some} not square: what lies beside the centre is cut off.")
    if len(summary.names) <= FEW_PEOPLE:
        found.append(
            f"The evaluator chooses among {len(summary.names)} people: a guess is right "
            f"{1 / len(summary.names):.0%} of the time, so one recognised face proves little."
        )
    return [*found, ALIGNMENT]


def duration(seconds: float) -> str:
    if seconds < 50:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 2:
        return "about a minute"
    return f"about {minutes} minutes" if minutes < 90 else f"about {round(minutes / 60)} hours"


def unfinished_words(people: OwnPeople) -> str:
    """What is said of trainings on these people that were begun; nothing where there are none."""
    plans = unfinished_trainings(people.zoo, people.zoo.own.path)
    judge = ZooRecipe().evaluator.architecture
    begun = [
        ("the evaluator" if config.architecture == judge else f"α = {alpha_text(config.alpha)}")
        + f" ({plan.epochs_done()} of {config.epochs} epochs)"
        for plan in plans
        for config in (plan.config,)
    ]
    if not begun:
        return ""
    return f" Begun and not finished: {', '.join(begun)}; the same settings go on from there."
