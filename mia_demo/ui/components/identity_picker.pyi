"""A gallery of identities to choose from, with search by number."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.data.identities import IdentitySet
from mia_demo.ui.components import component_files
from mia_demo.ui.render import data_uri

FACE_SIZE = 80

from gradio.events import Dependency

class IdentityPicker(gr.HTML):  # type: ignore[misc]
    """Radio buttons with faces. Value: the chosen identity's number. Event: ``input``.

    Args:
        identities: all that can be chosen.
        value: the number chosen at first.

    Raises:
        DataError: an image cannot be read.
    """

    def __init__(self, identities: IdentitySet, *, value: int = 0, **options: Any) -> None:
        faces, labels = identities.tensors(FACE_SIZE, indices=(0,))
        super().__init__(
            value,
            **component_files("identity_picker"),
            apply_default_css=False,
            faces=[
                {"number": label, "uri": data_uri(face.permute(1, 2, 0).numpy())}
                for face, label in zip(faces, labels.tolist(), strict=True)
            ],
            **options,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "integer"}
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
