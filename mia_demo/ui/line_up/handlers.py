"""Event handlers of the Line-up page: deal rounds, and answer the board's own requests."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr
import segno

from mia_demo.attack.named import TITLES
from mia_demo.errors import ConfigError, DemoError
from mia_demo.lesson.line_up import LineUp, rounds_csv
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.line_up_dealing import Dealer
from mia_demo.ui.engine.line_up_game import GoneError
from mia_demo.ui.engine.line_up_rooms import LineUpRooms
from mia_demo.ui.engine.seats import asking_seat
from mia_demo.ui.line_up.view import host_view, pictures_json, voter_view
from mia_demo.ui.shared.handler import toasts

Message = dict[str, Any]

NEW_ATTACKS = ""  # instead of a cell's name
NO_ATTACK = "You have no finished attack yet; start one on the Attack page, or deal new rounds."


class LineUpHandlers:
    """Handlers that share one engine; their only state is the table of games."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rooms = LineUpRooms()
        self.dealer = Dealer(engine, self.rooms)
        self._deals = itertools.count(1)
        self._asked: dict[str, Callable[[Message], Message]] = {
            "look": self._look,
            "vote": self._vote,
            "join": self._join,
            "leave": self._leave,
            "csv": self._csv,
            "qr": self._qr,
        }
        self._acts: dict[str, Callable[[str], object]] = {  # what a host does with the game
            "reveal": self.rooms.reveal,
            "next": self.rooms.advance,
            "open": self.rooms.open_room,
            "close": self.rooms.close_room,
            "lock": partial(self.rooms.lock, is_locked=True),
            "unlock": partial(self.rooms.lock, is_locked=False),
            "reset": self.rooms.reset_room,
        }

    # -- buttons ------------------------------------------------------------------------------

    def deal(
        self,
        board: Message | None,
        count: float | None,
        seed: str,
        lanes: list[str],
        cell: str | None = NEW_ATTACKS,
    ) -> Message:
        """Deals new rounds: attacked now, or recorded in a cell of the board."""
        with toasts():
            if count is None:
                raise ConfigError("Say how many rounds to deal.")
            try:
                chosen = int(seed) if seed.strip() else None
            except ValueError as error:
                raise ConfigError(
                    "The seed must be a whole number, or empty for a new one."
                ) from error
            key = self._key(board)
            if cell:
                self.dealer.deal_cell(key, cell, int(count), chosen)
            else:
                self.dealer.deal(key, int(count), lanes, chosen)
        return self._dealt(key)

    def offered(self, cell: str | None = NEW_ATTACKS) -> Any:
        """The choice of pictures, with these selected."""
        choices = [("New attacks", NEW_ATTACKS)]
        for name in self.dealer.cells_to_deal():
            lane, _, attack = name.partition("/")
            choices.append((f"Recorded: {lane} under {TITLES[attack]}", name))
        return gr.update(choices=choices, value=cell)

    def arrive(self, board: Message | None) -> Message:
        """The page is first seen: recorded rounds to play, where some came with the zoo."""
        key = self._key(board)
        try:
            self.dealer.deal_recorded(key)
        except DemoError:
            return {}  # what else the page offers is there to be seen
        return {"key": key}

    def deal_own(self, board: Message | None, request: gr.Request) -> Message:
        """Deals the visitor's last attack as rounds."""
        with toasts():
            own = self.engine.finished_attacks.get(str(request.session_hash))
            if own is None:
                raise ConfigError(NO_ATTACK)
            key = self._key(board)
            self.dealer.deal_own(key, own)
        return self._dealt(key)

    def invited(self, request: gr.Request) -> Any:
        """Opens this page for whoever follows a room's link, unless the link names another tab."""
        asked = request.query_params
        is_invited = asked.get("room") and "tab" not in asked
        return gr.Tabs(selected="line-up") if is_invited else gr.skip()

    # -- the board ----------------------------------------------------------------------------

    def ask(self, what: str, message: Message) -> Message:
        """Answers the board's requests and its buttons.

        Args:
            what: look, vote, reveal, next, open, close, lock, unlock, reset,
                join, leave, csv or qr.
            message: who asks (``key`` of a host, or ``code`` and ``voter``), and of ``look`` the
                ``version`` and ``pictures`` at hand, of ``vote`` the round's ``name`` and the
                photo's ``position``, of ``qr`` a room's ``link``.

        Returns:
            The view now, or ``error`` and whether the game is ``gone``.
        """
        try:
            if what in self._acts:
                self._acts[what](str(message["key"]))
                return self._look(message)
            return self._asked[what](message)
        except DemoError as error:
            return {"error": str(error), "gone": isinstance(error, GoneError)}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return {"error": "The page sent an unknown request; reload it."}

    def _look(self, message: Message) -> Message:
        """The view, without pictures that the page has; only its version if nothing has changed."""
        view, line_up = self._view(message)
        if view["version"] == message.get("version"):
            return {"version": view["version"]}
        if line_up is not None and message.get("pictures") != view["name"]:
            view["pictures"] = pictures_json(line_up)
        return view

    def _vote(self, message: Message) -> Message:
        name, position = str(message["name"]), int(message["position"])
        if "key" in message:
            self.rooms.vote_alone(str(message["key"]), name, position)
        else:
            code, voter = str(message["code"]), str(message["voter"])
            self.rooms.vote(code, voter, asking_seat().cookie, (name, position))
        return self._look(message)

    def _join(self, message: Message) -> Message:
        code = str(message["code"]).strip().upper()
        return {"code": code, "voter": self.rooms.join(code, asking_seat())}

    def _leave(self, message: Message) -> Message:
        self.rooms.leave(str(message["code"]), str(message["voter"]), asking_seat().cookie)
        return {}

    def _csv(self, message: Message) -> Message:
        with self.rooms.hosted(str(message["key"])) as game:
            return {"name": "line-up.csv", "content": rounds_csv(game.ballots)}

    def _qr(self, message: Message) -> Message:
        """Only the browser knows under which address it reached this server."""
        code = segno.make(str(message["link"]), micro=False)  # ValueError: too long, or empty
        return {"image": code.svg_data_uri(border=4, light="white", omitsize=True)}

    def _view(self, message: Message) -> tuple[Message, LineUp | None]:
        targets = self.engine.zoo.target_names()
        if "key" in message:
            with self.rooms.hosted(str(message["key"])) as game:
                return host_view(game, targets), game.line_up
        code, voter = str(message["code"]), str(message["voter"])
        with self.rooms.joined(code, voter, asking_seat().cookie) as game:
            return voter_view(game, voter, targets), game.line_up

    def _dealt(self, key: str) -> Message:
        """Of a game that has new rounds; each answer differs, or the board would not look."""
        return {"key": key, "dealt": next(self._deals)}

    def _key(self, board: Message | None) -> str:
        """The game on the board, or a new one; rounds of one's own begin a game of their own."""
        key = str((board or {}).get("key", ""))
        try:
            with self.rooms.hosted(key) as game:
                if not game.is_recorded or game.code:
                    return key
        except GoneError:
            pass
        return self.rooms.create()
