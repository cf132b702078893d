"""How a checkpoint came about, as its manifest entry tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mia_demo.zoo.values import (
    check_values,
    items,
    named,
    number_in,
    optional,
    plain_object,
    text,
    whole_in,
)

COUNTS = whole_in(0, 2**53)
RECORD_RULES = {
    "recipe": plain_object(),
    "images_seen": COUNTS,
    "seconds": number_in(0, 1e12),
    "identities": COUNTS,
    "held_out_identities": COUNTS,
    "held_out_accuracy": named(optional(number_in(0, 1))),
    "held_out_base_rate": named(number_in(0, 1)),
    "images_per_identity": COUNTS,
    "date": text(100),
    "device": text(100),
    "precision": text(100),
    "threads": COUNTS,
    "logits": named(number_in(-1e12, 1e12)),
    "made_with": named(text(100)),
    "truncation_psi": number_in(-10, 10),
    "styles": COUNTS,
    "class_names": items(text(1000), 1_000_000),
    "converted_from": plain_object(),
    "licence": text(10_000),
    "source": text(1000),
    "source_name": text(1000),
}


@dataclass(frozen=True)
class TrainingRecord:
    """Facts about a training, a conversion or a computed pool. Which are known depends on the kind.

    Attributes:
        recipe: the training's configuration as JSON; ``make-zoo`` skips what has the same recipe.
        images_seen: by a prior's training.
        seconds: of computing.
        identities, held_out_identities: public people that were trained on, and measured on.
        held_out_accuracy, held_out_base_rate: by attribute; None where it applies to nobody.
        images_per_identity: photos of each person that were trained on.
        date: UTC, ISO 8601.
        device, precision, threads: where it was computed.
        logits: mean test logit of the right person (``target``) and of the ``others``.
        made_with: sha256 of the checkpoints that a pool was computed with, by name.
        truncation_psi, styles: of a pool.
        class_names: of a converted classifier.
        converted_from: foreign file, its sha256, parameter count and licence.
        licence, source, source_name: of a checkpoint that a visitor added.
        others: what other versions of this program noted; kept, never read.
    """

    recipe: dict[str, Any] = field(default_factory=dict)
    images_seen: int | None = None
    seconds: float | None = None
    identities: int | None = None
    held_out_identities: int | None = None
    held_out_accuracy: dict[str, float | None] = field(default_factory=dict)
    held_out_base_rate: dict[str, float] = field(default_factory=dict)
    images_per_identity: int | None = None
    date: str = ""
    device: str = ""
    precision: str = ""
    threads: int | None = None
    logits: dict[str, float] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)
    truncation_psi: float | None = None
    styles: int | None = None
    class_names: list[str] = field(default_factory=list)
    converted_from: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    source: str = ""
    source_name: str = ""
    others: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What is known, nothing else."""
        values = asdict(self)
        others = values.pop("others")
        known = {name: value for name, value in values.items() if value not in (None, "", {}, [])}
        return {**known, **others}

    @staticmethod
    def from_json(values: dict[str, Any], owner: str) -> TrainingRecord:
        """
        Raises:
            CheckpointError: a known fact of the wrong type or range.
        """
        known = {name: value for name, value in values.items() if name in RECORD_RULES}
        others = {name: value for name, value in values.items() if name not in RECORD_RULES}
        check_values(known, RECORD_RULES, owner)
        return TrainingRecord(**known, others=others)
