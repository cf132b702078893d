"""The zoo's model card, written from its manifest so that figures cannot drift apart."""

import textwrap

from mia_demo.defences.registry import described
from mia_demo.report.templates import render
from mia_demo.smoothing import format_alpha
from mia_demo.system.files import write_bytes
from mia_demo.zoo.manifest import CheckpointEntry
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord

CARD_FILE = "README.md"
LINE_WIDTH = 96


def write_model_card(zoo: Zoo, results: str = "") -> None:
    """Writes ``README.md`` beside the manifest; see ``model_card``."""
    write_bytes(zoo.root / CARD_FILE, model_card(zoo, results).encode())


def model_card(zoo: Zoo, results: str = "", data_sheet: str | None = None) -> str:
    """The card, with metadata for the Hub.

    Args:
        results: recorded results of attacks, in Markdown.
        data_sheet: where the identities' images come from, in Markdown, for a zoo whose identities
            are not the embedded ones; those are known.
    """
    if zoo.manifest.identities:
        people = len(zoo.identities())
    else:  # no photos here: classes count the people
        people = max((entry.num_classes or 0 for entry in zoo.entries("target")), default=0)
    heads = [entry.training for entry in zoo.entries("attributes")]
    return render(
        "model_card.md",
        is_embedded=has_embedded_identities(zoo),
        is_in_folder=zoo.manifest.folder is not None,
        people=people,
        train_images=zoo.manifest.train_images,
        measured=[entry for entry in zoo.entries("target") if entry.test_accuracy is not None],
        rows=[_row(entry) for entry in zoo.manifest.checkpoints],
        prior=_training(zoo, "prior"),
        pool=_training(zoo, "pool"),
        has_students=bool(zoo.entries("student")),
        attributes=[training for training in heads if training.held_out_accuracy],
        accuracies=_accuracies,
        data_sheet=data_sheet,
        results=results,
    )


def has_embedded_identities(zoo: Zoo) -> bool:
    """Whether its people are the rendered ones, nobody's face."""
    known = {part.sha256 for part in open_zoo(None).manifest.identities}
    return {part.sha256 for part in zoo.manifest.identities} == known


def _training(zoo: Zoo, kind: str) -> TrainingRecord:
    """What is known of a zoo's only network of this kind; a zoo may lack it."""
    return next((entry.training for entry in zoo.entries(kind)), TrainingRecord())


def _accuracies(training: TrainingRecord) -> str:
    """Accuracy of each attribute, and in brackets what guessing would reach."""
    base_rate = training.held_out_base_rate
    accuracies = (
        f"{name} {accuracy:.1%} ({base_rate[name]:.1%})"
        for name, accuracy in training.held_out_accuracy.items()
        if accuracy is not None
    )
    return textwrap.fill(", ".join(accuracies), LINE_WIDTH, subsequent_indent="  ")


def _trained_against(entry: CheckpointEntry) -> str:
    """α, and a defence beside it."""
    defence = described(entry.defence, entry.strengths)
    return ", ".join(filter(None, (format_alpha(entry.alpha or 0.0), defence)))


def _row(entry: CheckpointEntry) -> tuple[str, ...]:
    return (
        entry.name,
        entry.kind,
        entry.architecture,
        _trained_against(entry) if entry.kind == "target" else "",
        "" if entry.epochs is None else str(entry.epochs),
        str(entry.seed),
        "" if entry.test_accuracy is None else f"{entry.test_accuracy:.2%}",
        f"{entry.stored.bytes:,}",
    )
