"""A gallery of identities to choose from, with search by number."""

from __future__ import annotations

import gradio as gr

from mia_demo.data.identities import IdentitySet
from mia_demo.data.pictures import data_uri
from mia_demo.ui.components import component_files

FACE_SIZE = 80


def identity_picker(identities: IdentitySet, value: int) -> gr.HTML:
    """Radio buttons with faces. Its value is the chosen identity's number; its event ``change``.

    Raises:
        DataError: an image cannot be read.
    """
    faces, labels = identities.tensors(FACE_SIZE, indices=(0,))
    return gr.HTML(
        value,
        **component_files("identity_picker"),
        apply_default_css=False,
        locked=False,
        faces=[
            {"number": label, "uri": data_uri(face.permute(1, 2, 0).numpy())}
            for face, label in zip(faces, labels.tolist(), strict=True)
        ],
    )
