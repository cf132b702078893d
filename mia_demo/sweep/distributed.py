"""A sweep shared out among the processes of a team: attacks by identity, the table by lane.

Identities are dealt out like cards. When all are attacked, every process gets every attack's files,
measures its share of the lanes, and the leader puts the rows together.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from mia_demo.attack.attack import Attacker
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.results import SweepResults, results_with
from mia_demo.sweep.rows import row_from_json, row_to_json
from mia_demo.sweep.sweep import SweepPlan, run_sweep
from mia_demo.sweep.table import Table
from mia_demo.sweep.team import Team
from mia_demo.zoo.manifest import library_versions


def run_team_sweep(team: Team, attacker: Attacker, judge: Judge, plan: SweepPlan) -> Iterator[int]:
    """As ``run_sweep``, with the identities shared out; every process ends up with every attack.

    Yields:
        How many attacks are done, by all processes together.

    Raises:
        ConfigError: the processes were started differently, or ``run_sweep`` says so.
        PeerError: another process failed or died.
    """
    checkpoints = {entry.name: entry.stored.sha256 for entry in attacker.zoo.manifest.checkpoints}
    decisive = [plan.config.to_json(), plan.identities, plan.seeds, checkpoints]
    team.agree(json.dumps([*decisive, judge.compute.precision, library_versions()]))
    share = replace(plan, identities=plan.identities[team.rank :: team.size])
    if share.identities:  # there may be more processes than people
        for _ in run_sweep(attacker, judge, share):
            yield team.count_attack()
    yield from team.until("attacks", plan.total)
    for seed in plan.seeds:
        for position, identity in enumerate(plan.identities):
            for path in plan.files(seed, identity):
                team.share_file(position % team.size, path)


def team_results(
    team: Team, attacker: Attacker, judge: Judge, plan: SweepPlan
) -> SweepResults | None:
    """As ``collect_results`` after ``run_team_sweep``; None for all but the leader.

    Raises:
        DataError: an attack's files are damaged.
        PeerError: another process failed or died.
    """
    table = Table(attacker, judge, plan)
    rows = team.answers(plan.config.lanes, lambda lane: json.dumps(row_to_json(table.row(lane))))
    if not team.leads:
        return None
    measured = [row_from_json(json.loads(rows[lane])) for lane in plan.config.lanes]
    return results_with(table, measured)
