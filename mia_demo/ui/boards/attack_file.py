"""Files of an attack for the browser to save; none of them touches the server's disk."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.data.identities import IdentitySet
from mia_demo.runs.attack_run import AttackRun, UnkeptRun
from mia_demo.runs.export import FILE_TYPES, export, file_name
from mia_demo.ui.boards.attack_view import BOARD_PHOTO_SIZE
from mia_demo.ui.engine.engine import Engine


def attack_content(engine: Engine, run: AttackRun, kind: str) -> bytes:
    """A file of ``FILE_TYPES``, with a training photo of the identity if the zoo has it.

    Raises:
        ConfigError: there is no such file, or the people are gone.
        DataError: the run is damaged.
    """
    identities = engine.identities
    if isinstance(run, UnkeptRun):
        identities = engine.people(run.people).identities
    return export(run, kind, photo_of(identities, run.config.identity))


def photo_of(identities: IdentitySet, identity: int) -> npt.NDArray[np.uint8] | None:
    """A training photo of the identity [R, R, 3]; None if there is no such identity."""
    if identity >= len(identities):
        return None
    images, _ = identities.tensors(BOARD_PHOTO_SIZE, labels=[identity], indices=[0])
    return images[0].permute(1, 2, 0).numpy()


def attack_file(engine: Engine, run: AttackRun, kind: str, number: int) -> dict[str, Any]:
    """What ``shared/file_saver`` saves; ``number`` tells one wish from the next.

    Raises:
        ConfigError: there is no such file.
        DataError: the run is damaged.
    """
    content = attack_content(engine, run, kind)
    return {
        "number": number,
        "name": file_name(run, kind),
        "type": FILE_TYPES[kind],
        "content": base64.b64encode(content).decode("ascii"),
    }
