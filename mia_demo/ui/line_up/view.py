"""What host and voters see of a game, as plain JSON.

Before a round is revealed, its view holds pictures and numbers of votes only: the truth, the lane
and the evaluator's answers cannot be read from it.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from mia_demo.data.pictures import data_uri
from mia_demo.lesson.line_up import (
    ALL_LANES,
    CHANCE,
    CONTROLS,
    SAME_PERSON,
    SOMEBODY_ELSE,
    Ballot,
    LineUp,
    VoteTally,
    tally,
)
from mia_demo.report.columns import alpha_text
from mia_demo.ui.boards.lane_styles import lane_styles
from mia_demo.ui.engine.line_up_game import Game
from mia_demo.ui.engine.line_up_rooms import ALONE

FALSE_POSITIVES = "false positives"
HOST, SOLO, VOTER = "host", "solo", "voter"


def host_view(game: Game, targets: Sequence[str]) -> dict[str, Any]:
    """For the host, who plays alone or has a room."""
    role = HOST if game.code else SOLO
    view = _view(game, role, ALONE, targets)
    votes = 0 if game.ballot is None else len(game.ballot.votes)
    view |= {"votes": votes, "voters": len(game.seats), "expected": game.expected}
    view["has_next"], view["is_locked"] = game.has_next, game.is_locked
    view["status"] = _host_status(game, view["phase"])
    return _with_version(view)


def voter_view(game: Game, voter: str, targets: Sequence[str]) -> dict[str, Any]:
    """For a voter. It changes only with the round, so that polling is cheap."""
    view = _view(game, VOTER, voter, targets)
    view["status"] = _voter_status(game, voter, view["phase"])
    return _with_version(view)


def pictures_json(line_up: LineUp) -> dict[str, Any]:
    """A round's pictures, as data URIs."""
    return {
        "reconstruction": data_uri(line_up.reconstruction),
        "photos": [data_uri(photo) for photo in line_up.photos],
    }


def _view(game: Game, role: str, voter: str, targets: Sequence[str]) -> dict[str, Any]:
    ballot = game.ballot
    phase = "waiting" if game.expected else "empty"
    if ballot is not None:
        phase = "revealed" if ballot.is_revealed else "voting"
    attacks = [one.line_up for one in game.ballots if one.line_up.alpha is not None]
    alphas = {one.lane: one.alpha for one in sorted(attacks, key=lambda one: -(one.alpha or 0.0))}
    styles = {**dict.fromkeys(CONTROLS, -1), **lane_styles(alphas)}
    return {
        "role": role,
        "phase": phase,
        "code": game.code,
        "recorded": game.is_recorded,
        "name": game.name,
        "number": game.current + 1,
        "rounds": len(game.ballots) + game.expected,
        "mine": None if ballot is None else ballot.votes.get(voter),
        "reveal": _reveal(ballot, role, styles) if ballot and ballot.is_revealed else None,
        "tally": [_tally_row(row, styles) for row in _ordered(tally(game.ballots), targets)],
        "chance": CHANCE,
    }


def _with_version(view: dict[str, Any]) -> dict[str, Any]:
    """Adds a fingerprint that tells a page whether it has seen this view."""
    digest = hashlib.sha256(repr(view).encode()).hexdigest()[:12]
    return {**view, "version": digest}


def _reveal(ballot: Ballot, role: str, styles: dict[str, int]) -> dict[str, Any]:
    shown = ballot.line_up
    votes, hits = len(ballot.votes), ballot.hits
    chosen = shown.identities[shown.evaluator_choice]
    is_control = shown.alpha is None
    people = f"{hits} of {votes} chose it." if votes else "Nobody voted."
    if role == SOLO and ALONE not in ballot.votes:  # of a room that is closed by now
        role = HOST
    if role == SOLO:
        people = f"You were {_verdict(hits > 0)}."
    where = f"It is photo {shown.truth + 1}, identity {shown.identity}."
    if shown.lane == SOMEBODY_ELSE:
        asked = f"The person asked for was identity {shown.identity}."
        where = f"A control: it is none of the eight. {asked}"
        people = "You picked that photo." if hits else "You picked another."
        if role != SOLO:
            people = f"{hits} of {votes} picked that photo: false positives."
    return {
        "truth": shown.truth,
        "identities": list(shown.identities),
        "counts": ballot.counts(),
        "choice": shown.evaluator_choice,
        "lane": shown.lane,
        "is_there": shown.lane != SOMEBODY_ELSE,
        "origin": _origin(shown),
        "style": styles[shown.lane],
        "outcome": "" if is_control or not votes else _outcome(shown, hits, votes, role),
        "leaked": 2 * hits > votes,
        "people": f"{where} {people}",
        "machine": (
            f"The evaluator chooses photo {shown.evaluator_choice + 1}, identity {chosen}"
            + ("" if shown.lane == SOMEBODY_ELSE else f": {_verdict(chosen == shown.identity)}")
            + f". Asked to name anybody of all identities, it says {shown.evaluator_top1}"
            + (
                "."
                if shown.lane == SOMEBODY_ELSE
                else f": {_verdict(shown.evaluator_top1 == shown.identity)}."
            )
        ),
    }


def _origin(shown: LineUp) -> str:
    if shown.lane == SAME_PERSON:
        return "A control: a real photo of the person, not a reconstruction."
    if shown.lane == SOMEBODY_ELSE:
        return "A real photo of somebody who is not among the eight."
    return f"The reconstruction comes from lane {shown.lane} (α = {alpha_text(shown.alpha or 0)})."


def _outcome(shown: LineUp, hits: int, votes: int, role: str) -> str:
    """Who has won: whoever is fooled has not seen the face."""
    if 2 * hits > votes:
        return f"The face leaked through lane {shown.lane}."
    who = "You were" if role == SOLO else "Most were"
    held = "the shield held" if (shown.alpha or 0.0) < 0 else "the face stayed hidden"
    return f"{who} fooled: {held}."


def _ordered(rows: Sequence[VoteTally], targets: Sequence[str]) -> list[VoteTally]:
    """Lanes in their usual order, then deleted ones, then the sum."""
    places = [*targets, *(row.lane for row in rows if row.lane not in targets)]
    return sorted(rows, key=lambda row: places.index(row.lane))


def _tally_row(row: VoteTally, styles: dict[str, int]) -> dict[str, Any]:
    low, high = row.interval
    return {
        "lane": row.lane,
        "style": -1 if row.lane == ALL_LANES else styles[row.lane],
        "note": FALSE_POSITIVES if row.lane == SOMEBODY_ELSE else "",
        "rounds": row.rounds,
        "share": row.hits / row.votes,
        "interval": row.interval,
        "words": f"{row.hits} of {row.votes}: {row.hits / row.votes:.0%} ({low:.0%} to {high:.0%})",
        "choice": f"{row.choice_hits} of {row.rounds}",
        "top1": f"{row.top1_hits} of {row.rounds}",
    }


def _host_status(game: Game, phase: str) -> str:
    ballot = game.ballot
    if ballot is None:
        if phase == "empty":
            return game.note or "No round yet: deal some."
        return game.note or "An attack is running; the round appears as soon as it is done …"
    votes = len(ballot.votes)
    if phase == "revealed":
        if game.has_next:
            return ""
        return game.note or "That was the last round; deal new ones to go on."
    if game.code:
        return f"{votes} of {len(game.seats)} have voted."
    if ALONE in ballot.votes:
        chosen = ballot.votes[ALONE] + 1
        return f"You chose photo {chosen}. You may change your mind until you reveal."
    return "Choose the photo that shows the same person."


def _voter_status(game: Game, voter: str, phase: str) -> str:
    ballot = game.ballot
    if ballot is None:
        return "You are in. The next round appears by itself."
    if phase == "voting":
        if voter in ballot.votes:
            chosen = ballot.votes[voter] + 1
            return f"Your vote: photo {chosen}. You may change it until the host reveals."
        return "Choose the photo that shows the same person."
    if voter not in ballot.votes:
        return "This round is over; the next one appears by itself."
    return f"You were {_verdict(ballot.votes[voter] == ballot.line_up.truth)}."


def _verdict(is_right: bool) -> str:
    return "right" if is_right else "wrong"
