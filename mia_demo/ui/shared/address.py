"""The page's state in its address: a link restores it, a change updates it.

``?tab=attack&identity=17&preset=quick`` holds the settings of one page. The browser writes them
(shared/address_bar.js), without the server; the server reads them once, when a page is opened.
Unregistered parameters are left alone. Gradio itself reads ``page``, hence ``tab``.

Further parameters for lessons (a teaching aid, no security): ``hide=train,seed`` hides pages and
settings, ``lock=1`` fixes all settings and ``lock=seed,preset`` some.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr
from gradio.components import Component

from mia_demo.errors import DemoError
from mia_demo.ui.shared.address_values import Reader
from mia_demo.ui.shared.handler import QUIET

Query = Mapping[str, str]
# A followed link is sent with what the page's own address locks.
WITH_LOCKS = """(value, ...people) =>
  [{...value, lock: new URLSearchParams(location.search).get("lock") || ""}, ...people]"""


@dataclass(frozen=True)
class Setting:
    """A setting of a page that a link carries."""

    name: str  # of the parameter; pages may share names, because a link belongs to one page
    component: Component
    read: Reader  # text to value; raises ValueError or DemoError
    default: Any = None  # what a link without the parameter means; None leaves the setting as it is
    # Defaults by value of the page's setting ``preset``, where they follow it.
    presets: Mapping[str, Any] = field(default_factory=dict)
    is_always_told: bool = False  # a link names it even at its default
    member: str = ""  # key in the component's value, if the setting is only a part of it
    # Turns a value into an update of the component, if the value is not enough.
    update: Callable[[Any], Any] | None = None

    def updated(self, value: Any) -> dict[str, Any]:
        """The update that sets the component to the value."""
        if self.update is not None:
            return dict(self.update(value))
        if self.member:
            value = {**self.component.value, self.member: value}
        return {"value": value}

    def for_browser(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "default": self.default,
            "presets": dict(self.presets),
            "isAlwaysTold": self.is_always_told,
            "member": self.member,
        }


@dataclass
class AddressPage:
    """A page that links can point to.

    Attributes:
        check: takes the values of all settings; raises DemoError if they do not fit together.
        public: a component, and its value for the demo's people. With other people a link tells
            nothing of the settings, which would mean nothing to others; and a link that is followed
            then loads the page anew, with the demo's people.
        refiller: a component that refills the settings with ``presets``, as the setting ``preset``
            does: where one of these is locked, both are.
        link: a component whose select event opens the ``link`` in its value.
    """

    slug: str
    tab: gr.Tab
    settings: list[Setting] = field(default_factory=list)
    check: Callable[[dict[str, Any]], object] | None = None
    public: tuple[Component, Any] | None = None
    refiller: Component | None = None
    link: gr.HTML | None = None

    def add(self, *settings: Setting) -> None:
        self.settings.extend(settings)

    def read(self, query: Query) -> tuple[dict[str, Any], list[str]]:
        """The value of every setting, and the parameters that were wrong."""
        chosen: dict[str, Any] = {}
        ignored = []
        for setting in self.settings:
            if setting.name in query:
                try:
                    chosen[setting.name] = setting.read(query[setting.name])
                except (ValueError, DemoError):
                    ignored.append(setting.name)
        values = self._filled(chosen)
        if self.check is not None:
            try:
                self.check(values)
            except DemoError:
                # Valid alone but not together; the preset's own values always fit.
                misfits = [s.name for s in self.settings if s.presets and s.name in chosen]
                ignored += misfits
                values = self._filled({k: v for k, v in chosen.items() if k not in misfits})
        return values, ignored

    def refills(self, names: Set[str]) -> bool:
        """Whether its preset refills one of these settings."""
        return any(setting.presets and setting.name in names for setting in self.settings)

    def _filled(self, chosen: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for setting in self.settings:
            default = setting.presets.get(str(values.get("preset")), setting.default)
            values[setting.name] = chosen.get(setting.name, default)
        return values


@dataclass(frozen=True)
class Link:
    """What a link says, checked."""

    page: AddressPage | None  # None for a bare address
    values: dict[str, Any]  # of the page's settings
    locked: frozenset[str]  # names of settings
    hidden: frozenset[str]  # names of settings, and slugs of pages
    ignored: str  # a sentence on ignored parameters, or empty


class AddressBook:
    """All pages that links can point to, in the order of their tabs."""

    def __init__(self) -> None:
        self.pages: dict[str, AddressPage] = {}
        self.beside: dict[str, Reader] = {}  # parameters that only a script acts on

    @contextmanager
    def tab(self, label: str) -> Iterator[AddressPage]:
        """Adds a tab, inside which the page is to be built."""
        slug = re.sub(r"[^a-z0-9]+", "-", label.lower())
        with gr.Tab(label, id=slug, elem_id=f"tab-{slug}") as tab:
            self.pages[slug] = AddressPage(slug, tab)
            yield self.pages[slug]

    @property
    def setting_names(self) -> set[str]:
        return {setting.name for page in self.pages.values() for setting in page.settings}

    def read(self, query: Query) -> Link:
        """Parses an address. Wrong parameters are ignored and named, unknown ones left alone."""
        ignored = []
        first = next(iter(self.pages.values()))
        wanted = query.get("tab")
        page = self.pages.get(wanted) if wanted is not None else None
        if wanted is not None and page is None:
            ignored.append("tab")
        if wanted is None and any(setting.name in query for setting in first.settings):
            page = first
        values: dict[str, Any] = {}
        if page is not None:
            values, wrong = page.read(query)
            ignored += wrong
        for name in self.beside.keys() & query.keys():
            try:
                self.beside[name](query[name])
            except ValueError:
                ignored.append(name)
        locked = self._names(query, "lock", self.setting_names, ignored)
        hidden = self._names(query, "hide", self.setting_names | set(self.pages), ignored)
        shown = page or first
        if shown.slug in hidden:
            hidden -= {shown.slug}
            ignored.append("hide")
        told = ", ".join(f"{name}={query[name]}" for name in dict.fromkeys(ignored))
        sentence = f"Ignored, because it does not fit here: {told}." if told else ""
        return Link(page, values, frozenset(locked), frozenset(hidden), sentence)

    def connect(self, app: gr.Blocks, tabs: gr.Tabs, bar: gr.HTML) -> None:
        """Wires reading and writing; call it after all pages are built."""
        for page in self.pages.values():
            components = [setting.component for setting in page.settings]
            told = {"page": page.slug}
            page.tab.select(None, components, bar, js=_teller({**told, "isTab": True}))
            if page.public is not None:
                whose, everybodys = page.public
                message = f"({{...{json.dumps(told)}, isOwn: value !== {json.dumps(everybodys)}}})"
                gr.on([whose.change], None, whose, bar, js=f"(value) => {message}")
            if components:
                gr.on([part.change for part in components], None, components, bar, js=_teller(told))
            if page.link is not None:
                page.link.select(
                    self.follow_link,
                    [page.link, *self.whose()],
                    self.outputs(tabs, bar),
                    js=WITH_LOCKS,
                    **QUIET,
                )
        app.load(self.open, None, self.outputs(tabs, bar), **QUIET)

    def outputs(self, tabs: gr.Tabs, bar: gr.HTML) -> list[Any]:
        """The components that a link changes."""
        return [bar, tabs, *self._fields()]

    def _fields(self) -> list[Component]:
        pages = self.pages.values()
        settings = [setting.component for page in pages for setting in page.settings]
        return [*settings, *(page.refiller for page in pages if page.refiller)]

    def whose(self) -> list[Component]:
        """The pages' choices of people, which ``go`` needs to know."""
        return [page.public[0] for page in self.pages.values() if page.public]

    def open(self, request: gr.Request) -> list[Any]:
        """The app is opened with the request's address."""
        return self.updates(self.read(dict(request.query_params)), is_opening=True)

    def follow_link(self, value: dict[str, Any], *people: str) -> list[Any]:
        """A component's link is followed; what the page's own link locks stays as it is."""
        return self.go(str(value.get("link", "")), people, lock=str(value.get("lock", "")))

    def go(self, query: str, people: Sequence[str], *, lock: str = "") -> list[Any]:
        """A link is followed inside the open page; ``people`` are values of ``whose``."""
        link = self.read(dict(parse_qsl(query)))
        whose = [page for page in self.pages.values() if page.public]
        for page, value in zip(whose, people, strict=False):
            if page is link.page and page.public and page.public[1] != value:
                return [{"load": query}, gr.skip(), *(gr.skip() for _ in self._fields())]
        kept = self._names({"lock": lock}, "lock", self.setting_names, [])
        values = {name: value for name, value in link.values.items() if name not in kept}
        return self.updates(replace(link, values=values), is_opening=False)

    def updates(self, link: Link, *, is_opening: bool) -> list[Any]:
        """Updates for ``outputs``; only an opening sets locks and hidden parts."""
        slug = link.page.slug if link.page is not None else ""
        bar: dict[str, Any] = {
            "page": slug,
            "isRestored": True,
            "ignored": link.ignored,
            "isTab": bool(slug),
        }
        if is_opening:
            # Hidden by the browser, because Gradio does not hide a tab once shown.
            bar["hiddenTabs"] = [name for name in self.pages if name in link.hidden]
        changes: list[Any] = [bar, gr.update(selected=slug) if slug else gr.skip()]
        fixed = link.locked if is_opening else frozenset()
        for page in self.pages.values():
            for setting in page.settings:
                update: dict[str, Any] = {}
                value = link.values.get(setting.name) if page is link.page else None
                if value is not None:
                    update |= setting.updated(value)
                if setting.name in fixed or (setting.name == "preset" and page.refills(fixed)):
                    own = isinstance(setting.component, gr.HTML)
                    update |= {"locked": True} if own else {"interactive": False}
                if is_opening and setting.name in link.hidden:
                    update["visible"] = False
                changes.append(gr.update(**update) if update else gr.skip())
        for page in self.pages.values():
            if page.refiller:
                is_fixed = page.refills(fixed)
                changes.append(gr.update(interactive=False) if is_fixed else gr.skip())
        return changes

    def for_browser(self) -> dict[str, Any]:
        return {
            slug: [setting.for_browser() for setting in page.settings]
            for slug, page in self.pages.items()
        }

    def _names(self, query: Query, name: str, known: set[str], ignored: list[str]) -> set[str]:
        text = query.get(name, "")
        if not text:
            return set()
        if name == "lock" and text == "1":
            return set(known)
        wanted = set(text.split(","))
        if not wanted <= known:
            ignored.append(name)
        return wanted & known


def _teller(message: dict[str, Any]) -> str:
    """JavaScript that passes the values of a page's settings to the address bar."""
    return f"(...values) => ({{...{json.dumps(message)}, values}})"
