"""A zoo's identities where they lie outside it: a folder of a data set on this machine."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from mia_demo.data.layouts import SplitSet, open_layout
from mia_demo.errors import ConfigError
from mia_demo.zoo.values import number_in, text, whole_in

SEEDS = whole_in(-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class IdentityFolder:
    """Identities outside the zoo: too large, or not ours to copy.

    Attributes:
        path: absolute.
        layout: see ``mia_demo.data.layouts``.
        seed: of the split.
        crop: centred share of the side of the prior's pictures that shows as much as the photos.
    """

    path: Annotated[str, text(4096)]
    layout: Annotated[str, text(64)]
    seed: Annotated[int, SEEDS]
    crop: Annotated[float, number_in(0.1, 1)] = 1.0

    def __post_init__(self) -> None:
        if not 0.1 <= self.crop <= 1:
            raise ConfigError(f"The crop must lie in 0.1..1, not {self.crop}.")


@lru_cache(maxsize=2)
def open_folder(folder: IdentityFolder) -> SplitSet:
    """Identities and split of a folder, without decoding photos; read once."""
    return open_layout(folder.layout, Path(folder.path), folder.seed)
