"""What all visitors share: the zoo, the device and its queue, and networks loaded once."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.stages import SHOWN
from mia_demo.errors import ConfigError
from mia_demo.runs import RUNS
from mia_demo.runs.attack_run import AttackRun, UnkeptRun, unkept_run
from mia_demo.runs.replay import Replay
from mia_demo.runs.saver import AttackSaver
from mia_demo.runs.store import RunStore
from mia_demo.runs.training_run import TrainingRun
from mia_demo.system.device import Compute
from mia_demo.system.leftovers import sweep_temporary_files
from mia_demo.ui.engine import zero_gpu
from mia_demo.ui.engine.attack_news import Curves, FinishedAttack, Tracked
from mia_demo.ui.engine.device_queue import START_UP, DeviceQueue
from mia_demo.ui.engine.jobs import Frame, Job
from mia_demo.ui.engine.networks import Networks, Work
from mia_demo.ui.engine.sessions import OwnedKeys, SessionJobs, SessionMemory
from mia_demo.ui.engine.speed import SpeedMeter, measured, spoken
from mia_demo.ui.engine.who_asks import current_visitor
from mia_demo.visitors.added_models import HUB_PEOPLE, AddedModels
from mia_demo.visitors.added_store import ADDED_FOLDER, AddedStore
from mia_demo.visitors.own_people import OwnPeople, People, PeopleStore
from mia_demo.zoo.layers import OWN_FOLDER, LayeredZoo
from mia_demo.zoo.own_folder import OwnFolder
from mia_demo.zoo.reading import Zoo

OWN_PEOPLE_FOLDER = (
    "own-people"  # in the runs folder: visitors' photos and the classifiers trained on them
)
EMBEDDED = "embedded"  # the demo's own people
START_UP_STEPS, START_UP_ROUNDS = 3, 4  # of the start-up's attacks
# Of computing, where others share the device.
MAX_LOOK_SECONDS = 120.0
MAX_ATTACK_SECONDS = 900.0
MAX_SHARED_SECONDS = 3 * 3600.0  # sweeps and trainings, which let others go first


class Engine:
    """Starts jobs on the device; ``runs`` is the folder for what visitors keep.

    Raises:
        DemoError: the zoo's identities cannot be read.
    """

    def __init__(self, zoo: Zoo, compute: Compute, runs: Path = RUNS) -> None:
        self.runs = runs
        sweep_temporary_files(runs)
        self.owned_runs = OwnedKeys()
        self.zoo = LayeredZoo(
            zoo,
            OwnFolder(runs / OWN_FOLDER),
            lambda entry: self.owned_runs.may_see(TrainingRun(entry).key),
        )
        self.compute = compute
        self.identities = zoo.identities().kept_open()
        self.embedded = People(zoo=self.zoo, identities=self.identities)
        self.own_people = PeopleStore(zoo, runs / OWN_PEOPLE_FOLDER, self._forget_people)
        self.added = AddedStore(self.zoo, runs / ADDED_FOLDER)
        self.additions = DeviceQueue()  # one download or upload at a time
        self.tab_keys: SessionMemory[str] = SessionMemory()  # what opens a tab's additions
        self.device = DeviceQueue()
        self.speed = SpeedMeter()
        self.attacks: SessionJobs[Tracked] = SessionJobs()
        self.finished_attacks: SessionMemory[FinishedAttack] = SessionMemory()
        self.unkept: SessionMemory[UnkeptRun] = SessionMemory()
        self.kept = RunStore(runs, zoo)
        self.networks = Networks(self.zoo, self.identities, compute)
        self._warming_up: Job[AttackFrame] | None = None

    def people(self, key: str) -> People:
        """The demo's own people (``EMBEDDED``), or those that a key opens.

        Raises:
            ConfigError: this key opens nothing.
        """
        if key == EMBEDDED:
            return self.embedded
        return self.added.people(key) if key.startswith(HUB_PEOPLE) else self.own_people.open(key)

    def start(self) -> None:
        """Loads the networks, in the background where possible."""
        if zero_gpu.IS_ZERO_GPU:
            zero_gpu.place(self.networks)
        else:
            self.warm_up()

    def warm_up(self) -> Job[AttackFrame]:
        """Loads networks and pool and takes first steps, so that no visitor waits for them."""
        self._warming_up = Job(self._first_steps, self.device, START_UP)
        return self._warming_up

    @property
    def device_label(self) -> str:
        """What computes here, for people to read."""
        lent = " · lent by ZeroGPU" if zero_gpu.IS_ZERO_GPU else ""
        return f"{self.compute.label}{lent}"

    @property
    def is_warming_up(self) -> bool:
        return self._warming_up is not None and not self._warming_up.wait(0)

    def on_device(
        self,
        work: Work[Frame],
        *,
        seconds: float | None = None,
        is_saved: Callable[[Frame], bool] | None = None,
    ) -> Generator[Frame, None, None]:
        """The frames of work with the networks, for a job; see ``zero_gpu.run``."""
        return zero_gpu.run(self.networks, work, seconds=seconds, is_saved=is_saved)

    def attack(
        self,
        config: AttackConfig,
        *,
        every_frame: bool = False,
        session: str = "",
        people: People | None = None,
    ) -> Job[Tracked]:
        """Queues an attack. With a session, its result is remembered there and kept as a run.

        Args:
            people: whom to attack, by default the demo's own. Attacks on others stay in memory,
                for their tab alone: nobody's own photos end up in a run.

        Raises:
            ConfigError: it would keep others waiting for too long.
            BusyError: there is no place in the queue.
        """
        self._check_budget(config)
        victims = people or self.embedded
        is_own = victims is not self.embedded

        def remember(report: dict[str, Any], frame: AttackFrame, recording: Replay) -> str:
            ended = unkept_run(victims.key, victims.names, config, report, (frame, recording))
            self.unkept.put(session, ended)
            return ended.key

        def kept() -> Generator[Tracked, None, None]:
            keep = remember if is_own else self.kept.keep
            saver = AttackSaver(keep, victims.zoo, config, self.compute)
            try:
                for tracked in self._tracked(config, victims):
                    if tracked.frame.is_last and not is_own:
                        lanes = tracked.frame.lanes
                        images = {lane.name: lane.images[:SHOWN].copy() for lane in lanes}
                        top1 = {lane.name: lane.evaluator_top1[lane.best] for lane in lanes}
                        finished = FinishedAttack(config, tracked.curves, images, top1)
                        self.finished_attacks.put(session, finished)
                    saver.see(tracked.frame)
                    yield replace(tracked, saver=saver)
            finally:  # in the job's thread; a stopped attack is kept as well
                key = saver.save()
                if key and not is_own:
                    self.owned_runs.put(key, session)

        return Job(
            kept if session else partial(self._tracked, config, victims),
            self.device,
            "an attack",
            every_frame=every_frame,
            max_seconds=MAX_ATTACK_SECONDS,
            subject=(victims.key, config.identity),
        )

    def repeat(self, run: AttackRun) -> Job[Tracked]:
        """Queues a repetition of a run's attack, up to the step whose pictures were kept."""

        def work() -> Generator[Tracked, None, None]:
            for tracked in self._tracked(run.config, self.embedded):
                yield tracked
                if run.ended_at(tracked.frame):
                    return

        return Job(work, self.device, "an attack", max_seconds=MAX_ATTACK_SECONDS)

    def look(self, work: Callable[[], Generator[Frame, None, None]], purpose: str) -> Job[Frame]:
        """Queues short work."""
        return Job(work, self.device, purpose, is_short=True, max_seconds=MAX_LOOK_SECONDS)

    def shared(self, work: Callable[[], Generator[Frame, None, None]], purpose: str) -> Job[Frame]:
        """Queues long work, which lets others go first between frames."""
        return Job(work, self.device, purpose, yields_device=True, max_seconds=MAX_SHARED_SECONDS)

    def _check_budget(self, config: AttackConfig) -> None:
        seconds = self.speed.attack_seconds(config)
        if current_visitor() and seconds is not None and seconds > MAX_ATTACK_SECONDS:
            raise ConfigError(
                f"This attack would take {spoken(seconds)}, and others wait for this device too: "
                f"at most {MAX_ATTACK_SECONDS / 60:.0f} minutes. Choose fewer candidates, steps, "
                "rounds or lanes, or run a copy of your own."
            )

    def delete_target(self, name: str, people: People | None = None) -> None:
        """Deletes a classifier that a visitor trained.

        Raises:
            ConfigError: it came with the demo, belongs to somebody else, or does not exist.
        """
        victims = people or self.embedded
        if name not in [entry.name for entry in victims.zoo.own_targets()]:
            raise ConfigError(f"There is no classifier {name!r} of your own; reload the page.")
        victims.zoo.own.remove(name)
        self.networks.forget(victims.zoo, name)

    def delete_people(self, people: OwnPeople) -> None:
        """Deletes a visitor's photos and everything that was trained on them."""
        self.own_people.delete(people.key)
        self._forget_people(people)

    def _forget_people(self, people: OwnPeople) -> None:
        self.unkept.forget(lambda run: run.people == people.key)
        self.networks.forget_all(people.zoo)

    def remove_added(self, models: AddedModels, name: str) -> None:
        """Removes a lane, or people (by their key), that a visitor added.

        Raises:
            ConfigError: there is none.
        """
        gone = [people.zoo for people in models.people if people.key == name]
        models.remove(name)
        for zoo in gone:
            self.networks.forget_all(zoo)
        self.networks.forget(self.zoo, name)

    def _first_steps(self) -> Generator[AttackFrame, None, None]:
        """Two small attacks of different size, from whose speed any attack's is estimated."""
        lanes = tuple(self.zoo.base.default_lanes())
        few = preset_config(
            "quick", steps=START_UP_STEPS, selection_rounds=START_UP_ROUNDS, lanes=lanes
        )
        fewest = replace(few, lanes=lanes[:1], candidates=1, kept=1)
        for config in (few, fewest):
            yield from self._measured(config, self.embedded)

    def _tracked(self, config: AttackConfig, people: People) -> Generator[Tracked, None, None]:
        curves = Curves({name: [] for name in config.lanes}, {name: [] for name in config.lanes})
        for frame in self._measured(config, people):
            if frame.stage == "optimisation":
                for lane in frame.lanes:
                    curves.target_confidence[lane.name].append(lane.target_confidence)
                    curves.gradient_cosine[lane.name].append(lane.gradient_cosine)
            yield Tracked(frame, curves)

    def _measured(self, config: AttackConfig, people: People) -> Generator[AttackFrame, None, None]:
        frames = self.on_device(
            partial(_attack, config, people.zoo), seconds=self.speed.attack_seconds(config)
        )
        with closing(frames):
            yield from measured(frames, config, self.speed)


def _attack(
    config: AttackConfig, zoo: LayeredZoo, networks: Networks
) -> Generator[AttackFrame, None, None]:
    attacker = networks.attacker(zoo)
    networks.keep_few_guests(zoo, config.lanes)
    yield from attacker.run(config)
