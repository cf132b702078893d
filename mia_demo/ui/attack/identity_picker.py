"""A gallery of identities to choose from, with search by number."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from mia_demo.data.identities import IdentitySet
from mia_demo.data.pictures import small_data_uri, sprite
from mia_demo.ui.shared.components import component

FACE_SIZE = 80
PICKER_COLUMNS = 10


def identity_picker(identities: IdentitySet, value: int) -> gr.HTML:
    """Radio buttons with faces. Its value is the chosen identity's number; its event ``change``.

    Its faces come when it is first seen: most visits never unfold it.
    """

    def sheet(columns: int) -> str:
        return _sheet(identities, min(columns, PICKER_COLUMNS))

    faces = {**_who(identities), "sheet": ""}
    return component(
        "attack/identity_picker", value, server={"sheet": sheet}, locked=False, faces=faces
    )


def picker_faces(identities: IdentitySet, names: Sequence[str] = ()) -> dict[str, Any]:
    """What the picker shows of identities, some of which have names (by label).

    Raises:
        DataError: an image cannot be read.
    """
    return {**_who(identities, names), "sheet": _sheet(identities, PICKER_COLUMNS)}


def _who(identities: IdentitySet, names: Sequence[str] = ()) -> dict[str, Any]:
    return {"count": len(identities), "names": list(names), "columns": PICKER_COLUMNS}


def _sheet(identities: IdentitySet, columns: int) -> str:
    faces, _ = identities.tensors(FACE_SIZE, indices=(0,))
    return small_data_uri(sprite(faces.permute(0, 2, 3, 1).numpy(), max(1, columns)))
