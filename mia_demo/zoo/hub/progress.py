"""How far a download is: the client's progress bars, counted instead of shown."""

from dataclasses import dataclass
from threading import Event
from typing import Any

from tqdm import tqdm


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is; bytes that the cache had already count as done."""

    done_bytes: int
    total_bytes: int


class StoppedError(Exception):
    """Nobody waits for the download any more."""


class ByteCounter:
    """Counts what arrives.

    Attributes:
        bar: the class that the client makes its progress bars of, from several threads.
        stopped: ends the transfers at their next bytes.
    """

    def __init__(self) -> None:
        self.stopped = Event()
        self._bars: list[Any] = []
        counter = self

        class Bar(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, unit: str = "it", **options: Any) -> None:
                super().__init__(*args, **{**options, "disable": True})
                if unit == "B":  # there is one of files as well
                    counter._bars.append(self)

            def update(self, n: float | None = 1) -> None:
                if counter.stopped.is_set():
                    raise StoppedError
                self.n += n or 0

        self.bar = Bar

    def count(self) -> int:
        """Bytes so far: of the bars over the same bytes, the one that is furthest."""
        return int(max((bar.n for bar in list(self._bars)), default=0))
