"""The Hub's client with deadlines, and one sentence per failure."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mia_demo import __version__
from mia_demo.errors import DemoError, HubAccessError, HubError, HubUnreachableError
from mia_demo.system.proxies import prepare_proxies, unusable_proxy

ANSWER_SECONDS = 4.0  # for a first answer; a Hub that cannot be reached is reported within 5 s
WATCH_SECONDS = 0.2
REFUSALS = {  # by HTTP status
    401: "the Hub does not accept this machine's token; log in again with `hf auth login`, or "
    "renew HF_TOKEN.",
    403: "the Hub forbids this to your account; check that the token may do it and that the user "
    "or organisation is yours.",
    429: "too many requests to the Hub; wait a few minutes.",
}

Answer = TypeVar("Answer")
Beat = TypeVar("Beat")


def hub(*, is_anonymous: bool = False) -> HfApi:
    """The client, for the endpoint and with the token that this machine is set up with.

    Args:
        is_anonymous: it keeps the token to itself.

    Raises:
        HubError: the proxy that the environment names cannot be used.
    """
    prepare_proxies()
    if unusable_proxy():
        raise HubError(unusable_proxy())
    token = False if is_anonymous else None
    return HfApi(library_name="mia_demo", library_version=__version__, token=token)


def has_token() -> bool:
    return get_token() is not None


def within(call: Callable[[], Answer], subject: str, seconds: float = ANSWER_SECONDS) -> Answer:
    """Calls the Hub with a deadline for everything, name look-up and retries included.

    Args:
        call: talks to the Hub.
        subject: what it is about, for messages.

    Raises:
        HubError: the Hub refused.
        HubUnreachableError: no answer in time.
    """
    beats = while_alive(call, subject, lambda: None, seconds)
    while True:
        try:
            next(beats)
        except StopIteration as over:
            return over.value


def while_alive(
    call: Callable[[], Answer], subject: str, beat: Callable[[], Beat], seconds: float
) -> Generator[Beat, None, Answer]:
    """Like ``within``, as long as it takes while ``beat()`` keeps changing.

    A call that is given up goes on in a thread of its own, which nobody waits for: the client has
    retries of its own that cannot be switched off.

    Yields:
        ``beat()``, about five times per second.
    """
    outcome: Future[Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, name=f"hub: {subject}", daemon=True).start()
    seen, since = beat(), time.monotonic()
    while not wait([outcome], timeout=WATCH_SECONDS).done:
        now = beat()
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > seconds:
            raise HubUnreachableError(
                f"{subject}: {constants.ENDPOINT} has been silent for {seconds:.0f} s; check the "
                "network and try again. Files that arrived whole are kept."
            )
        yield now
    return waiting(outcome.result, subject)


def waiting(call: Callable[[], Answer], subject: str) -> Answer:
    """Like ``within``, however long it takes.

    Raises:
        HubError: the Hub refused.
        HubUnreachableError: it stopped answering, and the client's own retries were in vain.
    """
    try:
        return call()
    except DemoError:
        raise
    except Exception as error:
        explained = explain(error, subject)
        if explained is None:
            raise
        raise explained from error


def explain(error: Exception, subject: str) -> HubError | None:
    """The sentence for a failure of the Hub's client; None for one that is a mistake of ours."""
    if isinstance(error, GatedRepoError):
        page = f"{constants.ENDPOINT}/{subject.removeprefix('hf://').split('@')[0]}"
        return HubAccessError(
            f"{subject} is gated: accept its conditions at {page}, then "
            f"{'try again' if has_token() else 'log in with `hf auth login`'}."
        )
    if isinstance(error, RevisionNotFoundError):
        return HubError(
            f"{subject}: the repository has no such revision; check the branch, tag or commit."
        )
    if isinstance(error, RepositoryNotFoundError):
        if has_token():
            reason, remedy = "your account may not see it", "ask its owner for access"
        else:
            reason = "is private and this machine is not logged in"
            remedy = "log in with `hf auth login` or set HF_TOKEN"
        return HubAccessError(
            f"{subject} does not exist, or {reason}; check user and name, or {remedy}."
        )
    if isinstance(error, (LocalEntryNotFoundError, RuntimeError)) and error.__cause__:
        cause = error.__cause__  # the client's own words hide what happened
        return explain(cause, subject) if isinstance(cause, Exception) else None
    if isinstance(error, (OfflineModeIsEnabled, LocalEntryNotFoundError)):
        if constants.HF_HUB_OFFLINE:
            return HubUnreachableError(
                f"{subject} is not in the cache, and HF_HUB_OFFLINE forbids fetching it; "
                "unset HF_HUB_OFFLINE and try again."
            )
        return _unreachable(subject, error)
    if isinstance(error, EntryNotFoundError):
        return HubError(f"{subject} lacks a file that its manifest lists; choose another revision.")
    if isinstance(error, HfHubHTTPError):
        return _refused(error, subject)
    if type(error).__module__.startswith("httpx"):  # or httpx2, by the client's version
        return _unreachable(subject, error)
    if isinstance(error, OSError):
        return HubError(
            f"{subject}: {error.strerror or error}; check that {constants.HF_HUB_CACHE} can be "
            "written and has room, or set HF_HOME to another folder."
        )
    if isinstance(error, ValueError):  # an answer that the client cannot use
        return HubError(f"{subject}: the Hub's answer makes no sense: {error}".splitlines()[0])
    return None


def _unreachable(subject: str, error: Exception) -> HubUnreachableError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return HubUnreachableError(
        f"{subject}: {constants.ENDPOINT} cannot be reached ({reason}); check network and proxy."
    )


def _refused(error: HfHubHTTPError, subject: str) -> HubError:
    status = error.response.status_code
    if status in REFUSALS:
        return HubError(f"{subject}: {REFUSALS[status]}")
    if status >= 500:
        return HubUnreachableError(
            f"{subject}: {constants.ENDPOINT} is out of order (HTTP {status}); try again later."
        )
    reason = str(error.server_message or error).splitlines()[0]
    return HubError(f"{subject}: the Hub refused (HTTP {status}): {reason}")
