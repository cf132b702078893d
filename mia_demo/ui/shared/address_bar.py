"""Keeps the address up to date, and offers it as a link; what a link asked in vain is said here."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.shared.components import component_files


def address_bar(pages: dict[str, Any]) -> gr.HTML:
    """Its value is the newest message: settings of a page, another tab, or a link restored.

    Args:
        pages: ``AddressBook.for_browser``, or nothing before all pages are built.
    """
    return gr.HTML(
        {},
        **component_files("shared/address_bar"),
        apply_default_css=False,
        pages=pages,
        elem_classes="address-bar",
    )
