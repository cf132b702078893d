"""A finished sweep as a run."""

from dataclasses import dataclass

from mia_demo.attack.config import AttackConfig
from mia_demo.runs.command import compact_numbers, sweep_command, sweep_config
from mia_demo.runs.damaged_run import DamagedRun
from mia_demo.runs.names import RunNames
from mia_demo.runs.origin import Origin
from mia_demo.sweep.library import ResultsLibrary, Sweep


@dataclass(frozen=True)
class SweepRun(Sweep):
    """A finished sweep."""

    name: str = ""
    kind = "sweep"

    @property
    def config(self) -> AttackConfig:
        """Settings of its attacks, but for identity and seed."""
        return sweep_config(self.record)

    @property
    def title(self) -> str:
        return self.name or super().title

    @property
    def date(self) -> str:
        return self.record.date

    @property
    def origin(self) -> Origin:
        place = {"device": self.record.device, "precision": self.record.precision}
        return Origin(place, self.record.versions, self.record.checkpoints)

    def command(self) -> str:
        return sweep_command(self.record)

    def facts(self) -> dict[str, str]:
        record = self.record
        others = ("identity", "seed", "lanes")
        facts = {
            **{name: value for name, value in record.settings.items() if name not in others},
            "identities": compact_numbers(record.identities),
            "seeds": compact_numbers(record.seeds),
            "lanes": ", ".join(record.lanes),
            **self.origin.place,
            "commit": record.commit or "unknown",
            **self.origin.facts(),
        }
        return {name.replace("_", " "): str(value) for name, value in facts.items()}


def kept_sweeps(library: ResultsLibrary, names: RunNames) -> list[SweepRun | DamagedRun]:
    """Recorded sweeps and the visitors' own, the damaged ones last."""
    sweeps = [SweepRun(**vars(sweep), name=names.get(sweep.key)) for sweep in library.sweeps()]
    damaged = []
    for file, reason in library.damaged().items():
        key = f"{library.runs.name}/{file.parent.name}"
        damaged.append(DamagedRun(key, file, False, reason, names.get(key)))
    return [*sweeps, *damaged]
