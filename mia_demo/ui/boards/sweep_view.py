"""What the progress panel of a sweep shows, as plain JSON."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from mia_demo.data.pictures import data_uri
from mia_demo.report.contact_sheet import RIGHT, WRONG
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.sweeping import SweepTally, SweepUpdate
from mia_demo.ui.engine.who_asks import asking_tab
from mia_demo.zoo.reading import Zoo


@dataclass(frozen=True)
class SweepView:
    """The panel.

    Attributes:
        phase: ready, waiting, attacking, table, stopped, done or failed.
        seconds_left: counted down by the browser; None while unknown.
        newest: which attack the lanes show.
        lanes: name, number of its colour, best picture, verdict and tally of each.
    """

    phase: str
    status: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    newest: str = ""
    lanes: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NO_SWEEP = SweepView("ready", "")


def resumed_by() -> str:
    """How a stopped sweep or training goes on. Where the demo is shared, it belongs to its tab."""
    also = "" if asking_tab() else ", also after a reload"
    return f"The same settings resume it{also}."


class SweepPresenter:
    """Turns the updates of one sweep's job into views."""

    def __init__(self, plan: SweepPlan, zoo: Zoo) -> None:
        self._plan = plan
        self._styles = styles_in(zoo, plan.config.lanes)
        self._before = len(plan.finished())
        self.view = SweepView("attacking", "Starting …", self._before, plan.total)

    def waiting(self, place: Waiting) -> SweepView:
        status = place.sentence("your sweep", has_begun=bool(self.view.newest))
        return self._show(phase="waiting", status=status, seconds_left=None)

    def update(self, update: SweepUpdate) -> SweepView:
        changes: dict[str, Any] = {}
        if update.identity is not None:
            changes = {
                "newest": f"Newest: identity {update.identity}, seed {update.seed}",
                "lanes": tuple(self._lane(tally, update.identity) for tally in update.tallies),
            }
        return self._show(
            phase=update.phase,
            status=self._sentence(update),
            done=update.done,
            total=update.total,
            seconds_left=update.seconds_left,
            **changes,
        )

    def stopped(self) -> SweepView:
        done = len(self._plan.finished())
        status = f"Stopped after {done} of {self._plan.total} attacks; they are kept. "
        status += resumed_by()
        return self._show(phase="stopped", status=status, done=done, seconds_left=None)

    def failed(self, message: str) -> SweepView:
        return self._show(phase="failed", status=message, seconds_left=None)

    def _show(self, **changes: Any) -> SweepView:
        self.view = replace(self.view, **changes)
        return self.view

    def _sentence(self, update: SweepUpdate) -> str:
        done = f"{update.done} of {update.total} attacks are done"
        if update.phase == "table":
            return f"{done}. Computing the table …"
        if update.phase == "done":
            if update.done < update.total:
                return f"The table shows what {update.done} of {update.total} attacks give."
            return f"All {update.total} attacks are done; the results are shown."
        return f"{done}, {self._before} of them before." if self._before else f"{done}."

    def _lane(self, tally: SweepTally, identity: int) -> dict[str, Any]:
        recognised = tally.top1 == identity
        return {
            "name": tally.lane,
            "style": self._styles[tally.lane],
            "uri": data_uri(tally.picture),
            "alt": f"Best reconstruction of identity {identity} from lane {tally.lane}",
            "verdict": f"{RIGHT if recognised else WRONG}: says {tally.top1}",
            "recognised": recognised,
            "tally": f"{tally.right} of {tally.judged} right so far",
        }
