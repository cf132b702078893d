"""What belongs to a browser tab: its running job and its last results."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from mia_demo.ui.engine.jobs import Frame, Job
from mia_demo.ui.engine.who_asks import asking_tab

MAX_OWNED = 1000  # runs whose tab is known
READER_SECONDS = 2.0  # a frame that is on its way has arrived by then
MAX_REMEMBERED = 100  # tabs; Gradio keeps the state of as many

Value = TypeVar("Value")


class SessionJobs(Generic[Frame]):
    """The running job of each tab; a new one replaces it."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job[Frame]] = {}
        self._lock = threading.RLock()

    def start(self, session: str, make: Callable[[], Job[Frame]]) -> Job[Frame]:
        """Starts a job in place of the session's current one, also if both come at once.

        Raises:
            BusyError: the queue is full.
        """
        with self._lock:
            self.release(session)
            self._jobs[session] = job = make()
        return job

    def job_of(self, session: str) -> Job[Frame] | None:
        with self._lock:
            return self._jobs.get(session)

    def release(self, session: str, job: Job[Frame] | None = None) -> Job[Frame] | None:
        """Ends and forgets the session's job (only ``job``, if given), and returns it."""
        with self._lock:
            current = self._jobs.get(session)
            if current is None or (job is not None and current is not job):
                return None
            del self._jobs[session]
        current.abandon()
        return current

    def end(self, session: str) -> bool:
        """Ends the session's job, and says whether there was one.

        Its last frame must not arrive after what the page shows next.
        """
        ended = self.release(session)
        if ended is not None:
            ended.wait_for_reader(READER_SECONDS)
        return ended is not None


class SessionMemory(Generic[Value]):
    """One value per tab; beyond the limit the least recently used tab is forgotten."""

    def __init__(self, most: int = MAX_REMEMBERED) -> None:
        self._most = most
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, value: Value) -> None:
        with self._lock:
            self._values[session] = value
            self._values.move_to_end(session)
            while len(self._values) > self._most:
                self._values.popitem(last=False)

    def get(self, session: str) -> Value | None:
        with self._lock:
            if session in self._values:
                self._values.move_to_end(session)
            return self._values.get(session)

    def forget(self, is_gone: Callable[[Value], bool]) -> None:
        """Drops what is gone."""
        with self._lock:
            for session in [tab for tab, value in self._values.items() if is_gone(value)]:
                del self._values[session]


class OwnedKeys:
    """Which tab a run belongs to, in memory only: a restart forgets it."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._lasting: dict[str, str] = {}
        self._lock = threading.Lock()

    def put(self, key: str, session: str, *, lasts: bool = False) -> None:
        """
        Args:
            lasts: it is never evicted for newer keys. For classifiers, which are few: their
                names are reused, and one whose tab is unknown could not be deleted.
        """
        with self._lock:
            if lasts:
                self._lasting[key] = session
                return
            self._owners[key] = session
            while len(self._owners) > MAX_OWNED:
                self._owners.popitem(last=False)

    def tab(self, key: str) -> str:
        """Empty if it is not known, or the demo's owner."""
        with self._lock:
            return self._lasting.get(key) or self._owners.get(key, "")

    def may_see(self, key: str) -> bool:
        """Whether a run belongs to whoever asks: all belong to the demo's owner."""
        tab = asking_tab()
        return tab is None or self.is_of(key, tab)

    def is_of(self, key: str, session: str) -> bool:
        return bool(session) and self.tab(key) == session
