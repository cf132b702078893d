"""Files made from ``templates/``: HTML that needs nothing else (no scripts, no network), Markdown.

Every value is escaped in HTML. ``page.html`` is the frame of a report, ``parts.html`` has the
pieces that reports share.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mia_demo.data.pictures import data_uri
from mia_demo.report.columns import alpha_text, percent

FOLDER = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """Fills in a template.

    Args:
        template: file name in ``templates/``. Beside Jinja's own filters it may use ``percent``
            (a dash for None), ``alpha``, and ``data_uri`` for pictures uint8 [H, W, 3].
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(disabled_extensions=("md",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"alpha": alpha_text, "data_uri": data_uri, "percent": percent}
    return environment
