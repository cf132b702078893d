"""``attack``, ``sweep``, ``shield`` and ``record``: attacks, and what to keep of them."""

from dataclasses import asdict
from typing import Any

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig, parse_knobs
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.named import named_attack
from mia_demo.commands.output import log_line, progress
from mia_demo.commands.requests import (
    AttackRequest,
    RecordRequest,
    ShieldRequest,
    SweepRequest,
)
from mia_demo.defences.registry import parse_strengths_by_defence
from mia_demo.recipes.record import (
    quote_results,
    record_attack,
    record_board,
    record_people,
    record_sweep,
    recorded_identities,
    recorded_names,
)
from mia_demo.recipes.variants import (
    alpha_variants,
    board_variants,
    make_variants,
    missing_defences,
    parse_alphas,
    training_seed_variants,
)
from mia_demo.report.text import save_report
from mia_demo.runs import RUNS
from mia_demo.runs.attack_run import save_attack
from mia_demo.runs.replay import ReplayRecorder
from mia_demo.runs.report import attack_report
from mia_demo.sweep.board_figures import matrix_json
from mia_demo.sweep.distributed import run_team_sweep, team_results
from mia_demo.sweep.judging import Judge, open_attribute_judge
from mia_demo.sweep.rows import row_to_json
from mia_demo.sweep.shield import finished_rows, run_shield
from mia_demo.sweep.shield_plan import ShieldPlan, chosen_attacks, chosen_lanes
from mia_demo.sweep.sweep import SweepPlan, parse_numbers
from mia_demo.sweep.team import join_team
from mia_demo.system.device import choose_compute
from mia_demo.system.files import writing_to
from mia_demo.visitors.added_store import ADDED_FOLDER, owners_models
from mia_demo.zoo.layers import OWN_FOLDER, LayeredZoo
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.own_folder import OwnFolder


def answer_attack(request: AttackRequest) -> dict[str, Any]:
    zoo = LayeredZoo(open_zoo(request.zoo), OwnFolder(RUNS / OWN_FOLDER))
    compute = choose_compute(request.device, graphs=request.cuda_graphs)
    # With what was trained and added on the page, so that its commands work here.
    owners_models(zoo, RUNS / ADDED_FOLDER)
    lanes = tuple(request.lanes.split(",")) if request.lanes else tuple(zoo.default_lanes())
    choices = {"identity": request.identity, "lanes": lanes, "seed": request.seed}
    config = _config(request, **choices)
    if request.output:  # now, not when hours of computing are to be kept
        with writing_to(request.output):
            request.output.mkdir(parents=True, exist_ok=True)
    attacker, judge = Attacker(zoo, compute), Judge(zoo, compute)
    judge.check([config.identity])
    attribute_judge, _ = open_attribute_judge(zoo, compute)
    frame: AttackFrame | None = None
    recorder = ReplayRecorder()
    with progress("attack") as bar:
        for frame in attacker.run(config):
            recorder.add(frame)
            bar.set_postfix_str(frame.stage)
            bar.total, bar.n = frame.total_steps, frame.step
            bar.refresh()
    assert frame is not None
    verdicts = {lane.name: judge.judge(lane.images, config.identity) for lane in frame.lanes}
    attributes = {}
    if attribute_judge:
        attributes = {
            lane.name: attribute_judge.shares(lane.images, config.identity) for lane in frame.lanes
        }
    report = attack_report(zoo, config, compute, frame, verdicts=verdicts, attributes=attributes)
    if not request.output:
        return report
    with writing_to(request.output):
        saved = save_attack(
            request.output, report, frame, recorder.replay(), shown_as=request.output
        )
    log_line(f"Saved in {request.output}")
    return saved


def _config(request: AttackRequest | SweepRequest, **choices: Any) -> AttackConfig:
    """The preset, as the attack and the settings that are asked for change it."""
    choices |= parse_knobs(request.settings or [])
    return named_attack(request.attack, request.preset, **choices)


def answer_sweep(request: SweepRequest) -> dict[str, Any] | None:
    """None in a process of torchrun that is not the leader: it has nothing to report."""
    with join_team() as team:
        zoo = open_zoo(request.zoo)
        compute = choose_compute(
            request.device, local_rank=team.local_rank, graphs=request.cuda_graphs
        )
        variants = {}
        if request.alphas:
            team.require_alone("--alphas trains targets")
            variants = alpha_variants(zoo, parse_alphas(request.alphas))
        elif request.training_seeds:
            team.require_alone("--training-seeds trains targets")
            variants = training_seed_variants(zoo, parse_numbers(request.training_seeds))
        if variants:
            zoo = make_variants(zoo, variants, request.output / "zoo", compute, log_line)
        lanes = tuple(request.lanes.split(",")) if request.lanes else tuple(zoo.default_lanes())
        identities, seeds = parse_numbers(request.identities), parse_numbers(request.seeds)
        config = _config(request, lanes=lanes)
        attacker, judge = Attacker(zoo, compute), Judge(zoo, compute)
        plan = SweepPlan(config, tuple(identities), tuple(seeds), request.output)
        bar = progress("sweep", unit="attack", shown=team.leads)
        with writing_to(request.output), bar:
            bar.total = plan.total
            for done in run_team_sweep(team, attacker, judge, plan):
                bar.update(done - bar.n)
            results = team_results(team, attacker, judge, plan)
            if results is None:
                return None
            save_report(results, request.output)
    return {
        **asdict(results.record),
        "preset": config.preset,
        "rows": [row_to_json(row) for row in results.rows],
    }


def answer_shield(request: ShieldRequest) -> dict[str, Any] | None:
    """None in a process of torchrun that is not the leader: it has nothing to report."""
    with join_team() as team:
        zoo = open_zoo(request.zoo)
        compute = choose_compute(request.device, local_rank=team.local_rank)
        strengths = parse_strengths_by_defence(request.strengths or [])
        missing = missing_defences(zoo, request.defences.split(","), strengths)
        trainings = parse_numbers(request.training_seeds) if request.training_seeds else []
        if missing or trainings:
            team.require_alone("some targets must be trained first")
            variants = board_variants(zoo, missing, trainings, strengths)
            folder, kept = request.output / "zoo", zoo.target_names()
            zoo = make_variants(zoo, variants, folder, compute, log_line, kept=kept)
        lanes = chosen_lanes(zoo, request.defences)
        attacks = chosen_attacks(request.attacks, request.preset, request.passes)
        people, blind = (
            tuple(sorted(parse_numbers(chosen)))
            for chosen in (request.identities, request.blind_identities or request.identities)
        )
        seeds = tuple(parse_numbers(request.seeds))
        plan = ShieldPlan(lanes, attacks, people, blind, seeds, request.output)
        attacker = Attacker(zoo, compute, students=request.output / "students")
        judge = Judge(zoo, compute)
        bar = progress("shield", unit="attack", shown=team.leads)
        with writing_to(request.output), bar:
            bar.total = plan.total
            for cell, done in run_shield(team, attacker, judge, plan):
                bar.set_postfix_str(cell)
                bar.update(done - bar.n)
    if not team.leads:
        return None
    with writing_to(request.output):
        return matrix_json(finished_rows(plan))


def answer_record(request: RecordRequest) -> dict[str, Any]:
    zoo = open_zoo(request.zoo)
    if request.people:
        people = record_people(zoo, choose_compute(request.device))
        with progress("record", unit="person") as bar:
            for identity in people:
                bar.update()
                log_line(f"Identity {identity}")
        return {"recorded": recorded_identities(len(zoo.identities()))}
    if request.shield:
        return {"recorded": record_board(zoo, request.shield)}
    if request.attack:
        return {"recorded": record_attack(zoo, request.attack, request.name)}
    assert request.sweep  # RecordRequest sees to it
    results = record_sweep(zoo, request.sweep, request.name)
    for text in request.quote or []:
        quote_results(zoo, text)
    return {
        "recorded": recorded_names(zoo),
        "attribute_reference": results.record.attribute_reference,
        "rows": [row_to_json(row) for row in results.rows],
    }
