"""Label smoothing alone: the loss that every training has.

"Be Careful What You Smooth For" (Struppek et al., ICLR 2024): cross-entropy against

    y_LS = (1 - alpha) * onehot(y) + alpha / C

for any alpha, 0 being plain training (``mia_demo.smoothing``).
"""

from dataclasses import dataclass
from typing import ClassVar

from mia_demo.defences.defence import Defence


@dataclass(frozen=True)
class LabelSmoothing(Defence):
    """Nothing else is changed."""

    name: ClassVar[str] = "label_smoothing"
    title: ClassVar[str] = "label smoothing"
