"""What a sweep found, in words, where its figures come from, and its downloads."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from mia_demo.ui.shared.components import component_files


def results_summary(download: Callable[[str, str], dict[str, str]]) -> gr.HTML:
    """Shows ``CompareView.summary``. Its event ``select`` says that a visitor first sees it.

    Args:
        download: content of a file, from the results' key and the kind of file.
    """

    def download_file(arguments: list[str]) -> dict[str, str]:
        key, kind = arguments
        return download(key, kind)

    return gr.HTML(
        {},
        **component_files("compare/results_summary"),
        apply_default_css=False,
        server_functions=[download_file],
    )
