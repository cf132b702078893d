"""A gallery of identities to choose from, with search by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from mia_demo.data.identities import IdentitySet
from mia_demo.data.pictures import data_uri
from mia_demo.ui.shared.components import component

FACE_SIZE = 80


def identity_picker(identities: IdentitySet, value: int) -> gr.HTML:
    """Radio buttons with faces. Its value is the chosen identity's number; its event ``change``.

    Raises:
        DataError: an image cannot be read.
    """
    return component("attack/identity_picker", value, locked=False, faces=picker_faces(identities))


def picker_faces(identities: IdentitySet, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What the picker shows of each identity.

    Args:
        names: by label, where identities have some.

    Raises:
        DataError: an image cannot be read.
    """
    faces, labels = identities.tensors(FACE_SIZE, indices=(0,))
    return [
        {
            "number": label,
            "uri": data_uri(face.permute(1, 2, 0).numpy()),
            "name": names[label] if names else "",
        }
        for face, label in zip(faces, labels.tolist(), strict=True)
    ]
