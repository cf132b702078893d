"""Which runs and added models a visitor may see and change.

A demo that is served to its own machine alone belongs to one person, who sees all runs, including
those of earlier visits. Anywhere else a browser tab sees its own runs and the recorded ones.
"""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.visitors import is_private
from mia_demo.visitors.added_models import AddedModels


def added_models(engine: Engine, request: gr.Request) -> AddedModels | None:
    """What this visitor added: everything on a private machine, else that of the tab."""
    if is_private(request):
        return engine.added.owner
    return engine.added.tab(engine.tab_keys.get(str(request.session_hash)) or "")
