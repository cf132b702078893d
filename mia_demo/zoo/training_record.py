"""How a checkpoint came about, as its manifest entry tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from mia_demo.zoo.values import (
    check_fields,
    items,
    named,
    number_in,
    optional,
    plain_object,
    rules_of,
    text,
    whole_in,
)

_Count = Annotated[int | None, whole_in(0, 2**53)]
_Words = Annotated[str, text(100)]
_Object = Annotated[dict[str, Any], plain_object()]
_Shares = Annotated[dict[str, float | None], named(optional(number_in(0, 1)))]


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
        made_with: sha256 of the checkpoints that a pool was computed with, by name; of the
            ``target`` and the ``prior`` that taught a student.
        truncation_psi, styles: of a pool.
        class_names: of a converted classifier.
        converted_from: foreign file, its sha256, parameter count and licence.
        licence, source, source_name: of a checkpoint that a visitor added.
        others: what other versions of this program noted; kept, never read.
    """

    recipe: _Object = field(default_factory=dict)
    images_seen: _Count = None
    seconds: Annotated[float | None, number_in(0, 1e12)] = None
    identities: _Count = None
    held_out_identities: _Count = None
    held_out_accuracy: _Shares = field(default_factory=dict)
    held_out_base_rate: Annotated[dict[str, float], named(number_in(0, 1))] = field(
        default_factory=dict
    )
    images_per_identity: _Count = None
    date: _Words = ""
    device: _Words = ""
    precision: _Words = ""
    threads: _Count = None
    logits: Annotated[dict[str, float], named(number_in(-1e12, 1e12))] = field(default_factory=dict)
    made_with: Annotated[dict[str, str], named(text(100))] = field(default_factory=dict)
    truncation_psi: Annotated[float | None, number_in(-10, 10)] = None
    styles: _Count = None
    class_names: Annotated[list[str], items(text(1000), 1_000_000)] = field(default_factory=list)
    converted_from: _Object = field(default_factory=dict)
    licence: Annotated[str, text(10_000)] = ""
    source: Annotated[str, text(1000)] = ""
    source_name: Annotated[str, text(1000)] = ""
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
        rules = rules_of(TrainingRecord)
        known = {name: value for name, value in values.items() if name in rules}
        others = {name: value for name, value in values.items() if name not in rules}
        check_fields(known, owner, TrainingRecord)
        return TrainingRecord(**known, others=others)
