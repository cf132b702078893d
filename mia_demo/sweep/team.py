"""The processes of ``torchrun`` at one piece of work, on several GPUs or hosts.

They share a key-value store of torch.distributed (who is alive, has anybody failed, how far is
everybody, short answers). Files travel over gloo as plain bytes: hosts need no common disk, and
nothing is pickled. Without torchrun the team is one process, and the same code runs.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import torch
from torch import distributed as dist

from mia_demo.errors import ConfigError, DemoError, PeerError
from mia_demo.system.files import write_bytes

PATIENCE = timedelta(minutes=5)  # for hosts that start late, and for one file to arrive
SILENCE_SECONDS = 60.0  # without a sign of life a process counts as dead
BEAT_SECONDS = 2.0
PEER_POLL_SECONDS = 0.2


@dataclass
class Team:
    """The processes of one sweep or board, as one of them sees it.

    Attributes:
        store: shared by all.
        rank: number of this process; 0 leads: it shows progress and makes the table.
        size: how many processes there are.
        local_rank: number of this process on its host; picks its GPU.
        part: of the work, where several sweeps follow each other; each counts for itself.
        silence: seconds after which a process that gives no sign of life counts as dead.
    """

    store: dist.Store
    rank: int = 0
    size: int = 1
    local_rank: int = 0
    part: str = ""
    silence: float = SILENCE_SECONDS
    # By rank: heartbeats, and when they changed.
    _last_signs: dict[int, tuple[int, float]] = field(default_factory=dict, init=False)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def for_part(self, name: str) -> "Team":
        """The same processes at one of several sweeps."""
        return replace(self, part=f"{name} ")

    def require_alone(self, reason: str) -> None:
        """Refuses work that cannot be shared out.

        Raises:
            ConfigError: the team has more than one process.
        """
        if self.size > 1:
            raise ConfigError(
                f"{reason}, which only one process can do; run the command without torchrun, or "
                "sweep the finished zoo with --zoo."
            )

    def agree(self, plan: str) -> None:
        """Makes sure that everybody does the same.

        Raises:
            ConfigError: another process was started with another plan.
        """
        digest = sha256(plan.encode()).hexdigest()  # however many networks the plan names
        with _connection():
            agreed = self.store.compare_set(f"{self.part}plan", "", digest).decode()
        if agreed != digest:
            raise ConfigError(
                "The processes of this sweep differ in arguments, zoo, precision or versions; "
                "start the same command with the same installation everywhere."
            )

    def count_attack(self) -> int:
        """Notes one finished attack; returns how many the team has finished.

        Raises:
            PeerError: another process failed or died.
        """
        self._check_peers()
        return self._add(f"{self.part}attacks", 1)

    def until(self, what: str, total: int) -> Iterator[int]:
        """Yields how many ``attacks`` or ``answers`` the team has, until it is all of them.

        Raises:
            PeerError: another process failed or died.
        """
        while (done := self._add(f"{self.part}{what}", 0)) < total:
            yield done
            self._check_peers()
            time.sleep(PEER_POLL_SECONDS)
        yield total

    def answers(self, names: Sequence[str], answer: Callable[[str], str]) -> dict[str, str]:
        """What everybody says: each process answers for its share of the names.

        ``names[i]`` is the share of process ``i``, modulo the team's size.

        Raises:
            PeerError: another process failed or died.
        """
        for name in names[self.rank :: self.size]:
            found = answer(name)
            with _connection():
                self.store.set(f"{self.part}answer {name}", found)
            self._add(f"{self.part}answers", 1)
        for _ in self.until("answers", len(names)):
            pass
        with _connection():
            return {name: self.store.get(f"{self.part}answer {name}").decode() for name in names}

    def share_file(self, owner: int, path: Path) -> None:
        """Copies a file of process ``owner`` to the same path of all; all must call this.

        Raises:
            PeerError: the connection is lost.
        """
        if self.size == 1:
            return
        content = torch.empty(0, dtype=torch.uint8)
        if self.rank == owner:
            content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        with _connection():
            length = torch.tensor([len(content)])
            dist.broadcast(length, owner)
            content = content.resize_(int(length))
            dist.broadcast(content, owner)
        if self.rank != owner:
            write_bytes(path, content.numpy().tobytes())

    def part_ways(self) -> None:
        """The leader leaves last: the store of the others may live in its process.

        Raises:
            PeerError: another process failed or died.
        """
        if not self.leads:
            self._add("left", 1)
            return
        while self._add("left", 0) < self.size - 1:
            self._check_peers()
            time.sleep(PEER_POLL_SECONDS)

    def fails_first(self) -> bool:
        """Tells the others to stop; True for the first process to do so."""
        try:
            return self._add("failures", 1) == 1
        except PeerError:
            return True  # nobody is left to ask

    def give_signs_of_life(self, stop: threading.Event) -> None:
        """Body of a background thread."""
        try:
            while not stop.wait(BEAT_SECONDS):
                self._add(f"beats of {self.rank}", 1)
        except PeerError:
            return  # the main thread finds out for itself

    def _check_peers(self) -> None:
        if self._add("failures", 0):
            raise PeerError("Another process of this sweep failed; its message says why.")
        now = time.monotonic()
        for peer in range(self.size):
            beats = self._add(f"beats of {peer}", 0)
            known, since = self._last_signs.get(peer, (None, now))
            if beats != known:
                self._last_signs[peer] = (beats, now)
            elif peer != self.rank and now - since > self.silence:
                raise PeerError(
                    f"Process {peer} of {self.size} no longer answers; start the same command "
                    "again: finished attacks are kept."
                )

    def _add(self, key: str, amount: int) -> int:
        with _connection():
            return int(self.store.add(key, amount))


@contextmanager
def join_team() -> Iterator[Team]:
    """The team that torchrun started, or a team of one.

    If one process fails, the others stop at their next attack; only the first says why.

    Raises:
        PeerError: the others cannot be reached.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        with tempfile.TemporaryDirectory() as folder:
            yield Team(dist.FileStore(str(Path(folder) / "store"), 1))
        return
    with _connection():
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        store, rank, size = next(dist.rendezvous("env://", timeout=PATIENCE))
        gloo = dist.PrefixStore("gloo", store)
        dist.init_process_group("gloo", store=gloo, rank=rank, world_size=size, timeout=PATIENCE)
    team = Team(dist.PrefixStore("sweep", store), rank, size, local_rank)
    stop = threading.Event()
    heart = threading.Thread(target=team.give_signs_of_life, args=(stop,), daemon=True)
    heart.start()
    try:
        yield team
        team.part_ways()
    except BaseException as error:
        if not team.fails_first() and isinstance(error, DemoError):
            raise SystemExit(2) from error
        raise
    finally:
        stop.set()
        heart.join()
        dist.destroy_process_group()


@contextmanager
def _connection() -> Iterator[None]:
    """torch.distributed reports broken and slow connections as RuntimeError, bad variables of the
    environment as ValueError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise PeerError(
            f"The processes of this sweep lost each other ({reason}); start the same command "
            "again: finished attacks are kept."
        ) from error
