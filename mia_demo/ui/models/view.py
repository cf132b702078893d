"""What the Models page shows, as plain JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import constants

from mia_demo.recipes.model_card import has_embedded_identities
from mia_demo.report.columns import against_text, percent
from mia_demo.system.usage import device_memory, process_bytes
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.engine import zero_gpu
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.models_work import LoadedPeople
from mia_demo.visitors.added_models import (
    UPLOADED,
    Addition,
    Checking,
    HubPeople,
)
from mia_demo.visitors.own_people import OwnPeople, People
from mia_demo.zoo.accuracy import MeasuredAccuracy
from mia_demo.zoo.hub import DownloadProgress
from mia_demo.zoo.manifest import CheckpointEntry

ROLES = {
    "target": "a target: under attack",
    "evaluator": "judges the attacks",
    "embedder": "the second judge",
    "features": "taught the prior what faces look like",
    "pretrained": "where the targets’ training started",
    "prior": "draws the attacker’s faces",
    "attributes": "says what a face shows",
    "pool": "faces to start from",
}
ACCURACIES = {
    "embedder": "{} rank-1 on held-out people",
    "features": "{} rank-1 on held-out people",
    "pretrained": "{} rank-1 on held-out people",
    "attributes": "{} right on held-out people",
}
# Keyed by people and sha256 of the weights.
MeasuredByWeights = Mapping[tuple[str, str], MeasuredAccuracy]
NOTHING: dict[str, Any] = {
    "status": "",
    "phase": "ready",
    "progress": None,
    "key": "",
    "note": "",
    "machine": [],
    "groups": [],
}


def machine_facts(engine: Engine) -> list[dict[str, str]]:
    """Device and memory, each with a label."""
    facts = [("Device", engine.device_label)]
    if (used := process_bytes()) is not None:
        facts.append(("Memory of the demo", size_text(used)))
    # With ZeroGPU this process has no GPU.
    memory = None if zero_gpu.IS_ZERO_GPU else device_memory(engine.compute)
    if memory is not None:
        total = f" of {size_text(memory.total)}" if memory.total else ""
        facts.append(("Memory of the GPU", f"{size_text(memory.used)}{total}"))
    return [{"label": label, "value": value} for label, value in facts]


def group_json(engine: Engine, shown: LoadedPeople, measured: MeasuredByWeights) -> dict[str, Any]:
    """People with all networks loaded for them."""
    people, zoo = shown.people, shown.people.zoo
    styles = styles_in(zoo, shown.lanes)
    # A student stands in for its target in one attack; a card of its own would say nothing more.
    hidden = ("target", "student")
    others = [entry.name for entry in zoo.manifest.checkpoints if entry.kind not in hidden]
    trained = {entry.name for entry in zoo.own.targets()}
    items = []
    for entry in map(zoo.entry, [*shown.lanes, *others]):
        item = {
            **_item(entry, measured.get((people.key, entry.stored.sha256))),
            "style": styles.get(entry.name),
            "source": "trained here" if entry.name in trained else _source(entry),
            "remove": entry.name in shown.added,
        }
        items.append(item)
    is_hub = isinstance(people, HubPeople)
    return {
        "title": _title(engine, people),
        "words": _words(engine, people),
        "link": _page_of(str(zoo.origin)) if zoo.origin else "",
        "key": people.key if is_hub else "",
        "items": items,
    }


def progress_json(news: DownloadProgress | Checking | Waiting) -> dict[str, Any]:
    """Status and progress of an addition."""
    if isinstance(news, Waiting):
        return {"status": news.sentence("yours", verb="comes"), "progress": None}
    if isinstance(news, DownloadProgress):
        done, total = news.done_bytes, max(1, news.total_bytes)
        status = f"Downloading: {size_text(done)} of {size_text(total)}."
        return {"status": status, "progress": done / total}
    return {"status": f"Looking through {news.name} …", "progress": None}


def added_sentence(added: Addition, unticked: Sequence[str]) -> str:
    """What was added.

    Args:
        unticked: lanes for which the Attack page has no room.
    """
    if added.people is not None:
        lanes = ", ".join(added.people.zoo.target_names())
        words = (
            f"Loaded {added.people.origin}: its {len(added.people.identities)} people are on the "
            f"Attack page now, with the lanes {lanes}."
        )
    else:
        verb = "It is a lane" if len(added.lanes) == 1 else "They are lanes"
        words = f"Added {', '.join(added.lanes)}. {verb} of the Attack page now."
    if unticked:
        words += f" Not ticked there, for want of room: {', '.join(unticked)}."
    return f"{words} Left out: {' '.join(added.left_out)}" if added.left_out else words


def size_text(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _item(entry: CheckpointEntry, again: MeasuredAccuracy | None) -> dict[str, Any]:
    accuracy = "accuracy not stated"
    if entry.test_accuracy is not None:
        words = ACCURACIES.get(entry.kind, "{} test accuracy")
        accuracy = words.format(percent(entry.test_accuracy))
    elif entry.kind in ("prior", "pool"):
        accuracy = ""
    return {
        "name": entry.name,
        "alpha": against_text(entry.alpha, entry.defence) if entry.kind == "target" else "",
        "role": ROLES[entry.kind],
        "architecture": _architecture(entry),
        "accuracy": accuracy,
        "measured": _measured_words(again) if again else "",
        "agrees": again.agrees if again else True,
        "size": size_text(entry.stored.bytes),
        "sha256": entry.stored.sha256,
        "licence": entry.training.licence,
        "entry": entry.to_json(),
    }


def _architecture(entry: CheckpointEntry) -> str:
    if entry.kind == "pool":
        return ""
    words = [entry.architecture, f"{entry.input_size} px"]
    if entry.kind in ("target", "evaluator"):
        words.append(f"{entry.num_classes} people")
    return ", ".join(words)


def _measured_words(result: MeasuredAccuracy) -> str:
    found = f"measured again: {percent(result.measured)} of {result.images} test photos"
    if result.stated is None:
        return found
    return f"{found}, as stated" if result.agrees else f"{found}, which is not what is stated"


def _source(entry: CheckpointEntry) -> str:
    source, name = entry.training.source, entry.training.source_name
    if source == UPLOADED:
        return f"uploaded as {name}"
    return f"{name} of {source}" if source else ""


def _title(engine: Engine, people: People) -> str:
    count = len(people.identities)
    if isinstance(people, OwnPeople):
        return f"Your own {count} people"
    if isinstance(people, HubPeople):
        return f"{count} people of {people.origin.split('@')[0]}"
    kind = "synthetic people" if has_embedded_identities(engine.zoo.base) else "people"
    return f"The demo’s {count} {kind}"


def _words(engine: Engine, people: People) -> str:
    if isinstance(people, OwnPeople):
        return "Trained here, in this browser tab alone; the Train page downloads and deletes them."
    origin = people.zoo.origin
    if origin:
        return (
            f"From the Hub: {origin}. Its page states the licence; its publisher answers for the "
            "consent of these people."
        )
    if has_embedded_identities(engine.zoo.base):
        return "Came with the demo. Weights: Apache-2.0. Photos: CC0, nobody’s face."
    return f"From the folder {engine.zoo.base.root.name}, with the licence of whoever made it."


def _page_of(origin: str) -> str:
    repo, _, commit = origin.removeprefix("hf://").partition("@")
    return f"{constants.ENDPOINT}/{repo}/tree/{commit}"
