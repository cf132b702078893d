"""The list of classifiers that were trained on this page, to download or delete."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from mia_demo.ui.shared.components import component_files


def own_classifiers(read_part: Callable[[str, str, int], dict[str, str]]) -> gr.HTML:
    """Shows ``own_list``. Its event ``delete`` says that ``chosen`` is to be deleted.

    Args:
        read_part: a part of a classifier's file, from the key of its people, its name and an
            offset in bytes.
    """

    def download_part(arguments: list[object]) -> dict[str, str]:
        people, name, offset = arguments
        return read_part(str(people), str(name), int(str(offset)))

    return gr.HTML(
        {"newest": "", "items": []},
        **component_files("train/own_classifiers", "shared/elements"),
        apply_default_css=False,
        server_functions=[download_part],
    )
