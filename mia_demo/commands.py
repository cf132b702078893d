"""What each command of ``python -m mia_demo`` does; returns its JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from mia_demo import doctor as doctor_checks
from mia_demo.added_store import ADDED_FOLDER, owners_models
from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import parse_knobs, preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.bench import run_bench
from mia_demo.convert.pipeline import ClassifierFacts, convert_file
from mia_demo.data.identities import open_identity_set
from mia_demo.data.layouts import FFHQ_CROP, SPLIT_SEED, open_layout
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import first_of_each, public_split
from mia_demo.device import Compute, choose_compute
from mia_demo.errors import CheckpointError, ConfigError, DeviceError
from mia_demo.evaluation.attributes import open_attribute_judge
from mia_demo.evaluation.distributed import join_team, run_team_sweep
from mia_demo.evaluation.judge import Judge
from mia_demo.evaluation.prior_check import check_prior as measure_prior
from mia_demo.evaluation.prior_quality import prior_frechet, sample_images
from mia_demo.evaluation.results import collect_results, save_results
from mia_demo.evaluation.sweep import parse_numbers
from mia_demo.evaluation.text_tables import as_attribute_markdown, results_markdown
from mia_demo.files import write_bytes, write_json
from mia_demo.layered_zoo import OWN_FOLDER, LayeredZoo
from mia_demo.make_zoo import ZooRecipe, add_prior, make_classifier
from mia_demo.make_zoo import make_zoo as remake
from mia_demo.manifest import IdentityFolder
from mia_demo.memory import is_out_of_memory
from mia_demo.opening import open_zoo
from mia_demo.paper_bench import run_paper_bench
from mia_demo.publishing import publish_zoo
from mia_demo.recording import quote_results, record_attack, record_sweep, recorded_names
from mia_demo.runs import RUNS
from mia_demo.runs.folder import save_attack
from mia_demo.runs.replay import ReplayRecorder
from mia_demo.runs.report import attack_report
from mia_demo.smoothing import format_alpha
from mia_demo.target_variants import make_alpha_zoo, make_training_seed_zoo, parse_alphas
from mia_demo.toy import run_toy
from mia_demo.training.classifier import LabelledImages, TrainConfig
from mia_demo.training.initial_weights import PRETRAINED
from mia_demo.training.prior import STATE_FILE, PriorConfig, PriorTrainer
from mia_demo.training.prior import train_prior as prior_frames
from mia_demo.training.recipes import RECIPES, differences
from mia_demo.zoo import EMBEDDED_ZOO, Zoo, open_folder

# For programs: --json and run.json have them.
HIDDEN_KEYS = {
    *("config", "settings", "versions", "checkpoints", "attribute_reference", "licence"),
    *("format", "kind", "complete", "stage", "step", "total_steps"),
}


def attack(options: argparse.Namespace) -> dict[str, Any]:
    zoo, compute = (
        LayeredZoo(open_zoo(options.zoo), RUNS / OWN_FOLDER),
        choose_compute(options.device),
    )
    # With what was trained and added on the page, so that its commands can be repeated.
    owners_models(zoo, RUNS / ADDED_FOLDER)
    lanes = tuple(options.lanes.split(",")) if options.lanes else tuple(zoo.base.target_names())
    choices = {"identity": options.identity, "lanes": lanes, "seed": options.seed}
    config = preset_config(options.preset, **choices, **parse_knobs(options.set))
    attacker, judge = Attacker(zoo, compute), Judge(zoo, compute)
    frame: AttackFrame | None = None
    recorder = ReplayRecorder()
    with _progress("attack") as bar:
        for frame in attacker.run(config):
            recorder.add(frame)
            bar.set_postfix_str(frame.stage)
            bar.total, bar.n = frame.total_steps, frame.step
            bar.refresh()
    assert frame is not None
    verdicts = {lane.name: judge.judge(lane.images, config.identity) for lane in frame.lanes}
    attribute_judge, _ = open_attribute_judge(zoo, compute)
    attributes = {}
    if attribute_judge:
        attributes = {
            lane.name: attribute_judge.shares(lane.images, config.identity) for lane in frame.lanes
        }
    report = attack_report(zoo, config, compute, frame, verdicts, attributes)
    if not options.output:
        return report
    replay = recorder.replay()
    return save_attack(options.output, report, frame, replay, shown_as=options.output)


def sweep(options: argparse.Namespace) -> dict[str, Any] | None:
    """None in a process of torchrun that does not lead: it has nothing to say."""
    with join_team() as team:
        zoo = open_zoo(options.zoo)
        compute = choose_compute(options.device, local_rank=team.local_rank)
        if options.alphas:
            team.require_alone("--alphas trains targets")
            alphas = parse_alphas(options.alphas)
            zoo = make_alpha_zoo(zoo, alphas, options.output / "zoo", compute, _log)
        elif options.training_seeds:
            team.require_alone("--training-seeds trains targets")
            trainings = parse_numbers(options.training_seeds)
            zoo = make_training_seed_zoo(zoo, trainings, options.output / "zoo", compute, _log)
        lanes = tuple(options.lanes.split(",")) if options.lanes else tuple(zoo.target_names())
        identities, seeds = parse_numbers(options.identities), parse_numbers(options.seeds)
        config = preset_config(options.preset, lanes=lanes, **parse_knobs(options.set))
        attacker, judge = Attacker(zoo, compute), Judge(zoo, compute)
        work = (attacker, judge, config, identities, seeds, options.output)
        with _progress("sweep", unit="attack", shown=team.leads) as bar:
            bar.total = len(identities) * len(seeds)
            for done in run_team_sweep(team, *work):
                bar.update(done - bar.n)
    if not team.leads:
        return None
    results = collect_results(attacker, judge, options.output, config, identities, seeds)
    save_results(results, options.output)
    return {**asdict(results.record), "preset": config.preset, "rows": results.rows}


def record(options: argparse.Namespace) -> dict[str, Any]:
    zoo = open_zoo(options.zoo)
    if options.attack:
        return {"recorded": record_attack(zoo, options.attack, options.name)}
    results = record_sweep(zoo, options.sweep, options.name)
    for text in options.quote:
        quote_results(zoo, text)
    return {
        "recorded": recorded_names(zoo),
        "attribute_reference": results.record.attribute_reference,
        "rows": results.rows,
    }


def train(options: argparse.Namespace) -> dict[str, Any]:
    compute = choose_compute(options.device)
    config, differs = _training(options, compute)
    output = Zoo.create(options.output)
    if config.initial_weights == PRETRAINED:
        start = open_zoo(options.zoo)
        output.adopt(start, start.entry(PRETRAINED), PRETRAINED)
    if options.data:
        layout = options.layout or options.recipe or "folders"
        if layout == "folders":
            data = open_layout(layout, options.data, options.seed)
        else:
            # One split for all trainings and for later attacks on this zoo, whatever their seeds.
            known = output.manifest.folder
            seed = known.seed if known else SPLIT_SEED
            data = open_folder(_remember_folder(output, options.data, layout, seed, None))
        identities, train_items, test_items = data.identities, data.train, data.test
    else:
        source = open_zoo(options.zoo)
        identities = source.identities()
        items = source.split_items(identities)
        train_items, test_items = items["train"], items["test"]
    if options.photos is not None:
        train_items = first_of_each(train_items, options.photos)
    _log(f"reading {len(train_items) + len(test_items)} pictures of {len(identities)} identities")
    train_set = LabelledImages(*identities.items(config.input_size, train_items))
    test_set = LabelledImages(*identities.items(config.input_size, test_items))
    kind = "evaluator" if options.evaluator else "target"
    name = "evaluator" if options.evaluator else f"alpha{options.alpha:+g}"
    state = options.output / "state"
    try:
        make_classifier(output, name, kind, config, train_set, test_set, compute, state, _log)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"A batch of {config.batch_size} pictures does not fit the device; give a smaller "
            "--batch-size."
        ) from error
    entry = output.entry(name)
    return {
        "alpha": config.alpha,
        "test_accuracy": entry.test_accuracy,
        "train_accuracy": entry.train_accuracy,
        "epochs": config.epochs,
        "seconds": entry.training["seconds"],
        "checkpoint": str(options.output / entry.stored.file),
        **differs,
    }


def use_data(options: argparse.Namespace) -> dict[str, Any]:
    output = Zoo.create(options.output)
    folder = _remember_folder(output, options.data, options.layout, options.seed, options.crop)
    data = open_folder(folder)
    return {
        "zoo": str(options.output),
        **asdict(folder),
        "identities": len(data.identities),
        "train_images": len(data.train),
        "test_images": len(data.test),
    }


def _remember_folder(
    zoo: Zoo, data: Path, layout: str, seed: int, crop: float | None
) -> IdentityFolder:
    """Tells the zoo where its identities lie; without a crop an earlier one is kept."""
    if crop is None:
        known = zoo.manifest.folder
        crop = known.crop if known else FFHQ_CROP.get(layout, 1.0)
    folder = IdentityFolder(str(data.resolve()), layout, seed, crop)
    open_folder(folder)  # complains before anything is written
    zoo.set_folder(folder)
    return folder


def _training(
    options: argparse.Namespace, compute: Compute
) -> tuple[TrainConfig, dict[str, list[str]]]:
    """The settings of a training, and with a recipe how they differ from the paper's."""
    if (options.alpha is None) != options.evaluator:
        raise ConfigError("Give --alpha for a target; an evaluator is trained without one.")
    chosen = {
        name: value
        for name in (
            *("alpha", "architecture", "input_size", "epochs", "batch_size"),
            "learning_rate",
        )
        if (value := getattr(options, name)) is not None
    }
    for name in ("milestones", "phases"):
        if (shares := getattr(options, name)) is not None:
            chosen[name] = tuple(shares)
    chosen |= {name: getattr(options, name) for name in ("seed", "initial_weights", "augmentation")}
    if not options.recipe:
        if options.evaluator:
            raise ConfigError("--evaluator needs a --recipe, facescrub or celeba.")
        return TrainConfig(**chosen), {}
    if options.recipe not in RECIPES:
        raise ConfigError(f"No recipe {options.recipe!r}; choose one of {', '.join(RECIPES)}.")
    recipe = RECIPES[options.recipe]
    paper = recipe.evaluator if options.evaluator else recipe.target
    if chosen.get("architecture", paper.architecture) != paper.architecture:
        chosen["arguments"] = {}  # the paper's are Inception's
    config = replace(paper, **chosen)
    differs = differences(config, paper, compute)
    _log(f"other than in the paper: {'; '.join(differs)}")
    return config, {"differs": differs}


def train_prior(options: argparse.Namespace) -> dict[str, Any]:
    compute = choose_compute(options.device)
    config = PriorConfig(
        resolution=options.resolution,
        channel_base=32 * options.resolution,
        seed=options.seed,
    )
    state = options.output / "state"
    if (state / STATE_FILE).exists() and not options.resume:
        raise CheckpointError(
            f"{options.output} holds a training already; add --resume or choose another folder."
        )
    public = open_identity_set(options.data, min_identities=1, min_images=1)
    images, _ = public.tensors(config.resolution)
    zoo = open_zoo(options.zoo)
    features = zoo.load_features()
    with _progress("prior", unit="image") as bar:
        for frame in prior_frames(
            images, config, features, compute, state, minutes=options.minutes
        ):
            bar.set_postfix_str(f"error {frame.pixel_error:.3f}")
            bar.update(frame.images_seen - bar.n)
    trainer = PriorTrainer(config, features, compute)
    trainer.load(state)
    output = Zoo.create(options.output)
    add_prior(output, trainer, identities=len(public))
    embedder = zoo.load_embedder()
    try:
        frechet = prior_frechet(output.load_prior(), embedder, images, compute, seed=options.seed)
    except ConfigError as error:  # the training itself is done and saved
        frechet = None
        _log(str(error))
    return {
        "images_seen": trainer.images_seen,
        "seconds": round(trainer.seconds, 1),
        "frechet": frechet,
        "checkpoint": str(options.output / output.entry("prior").stored.file),
    }


def check_prior(options: argparse.Namespace) -> dict[str, Any]:
    zoo, compute = open_zoo(options.zoo), choose_compute(options.device)
    generator = zoo.load_prior()
    public = open_identity_set(sorted(options.data.glob("public_*.zip")))
    size = generator.resolution
    train, held_out = (
        LabelledImages(*public.tensors(size, labels=labels)) for labels in public_split(public)
    )
    figures, originals, projections = measure_prior(
        generator,
        zoo.load_features(),
        zoo.load_embedder(),
        train,
        held_out,
        compute,
        seed=0,
        log=_log,
    )
    samples = sample_images(generator, 100, compute, seed=0)
    pairs = torch.stack([originals, projections], dim=1).flatten(0, 1)
    for name, images, columns in (("samples", samples, 10), ("projections", pairs, 20)):
        sheet = sprite(images.permute(0, 2, 3, 1).contiguous().numpy(), columns)
        write_bytes(options.output / f"{name}.png", png(sheet))
    result = asdict(figures)
    write_json(options.output / "prior.json", result)
    return result


def make_zoo(options: argparse.Namespace) -> dict[str, Any]:
    output = options.output or EMBEDDED_ZOO
    compute = choose_compute(options.device)
    zoo = remake(options.data, output, ZooRecipe(), compute, minutes=options.minutes, log=_log)
    return {
        "zoo": str(output),
        "checkpoints": {
            entry.name: {"bytes": entry.stored.bytes, "test_accuracy": entry.test_accuracy}
            for entry in zoo.manifest.checkpoints
        },
    }


def convert(options: argparse.Namespace) -> dict[str, Any]:
    facts = ClassifierFacts(
        kind=options.kind,
        alpha=options.alpha,
        architecture=options.architecture,
        input_size=options.input_size,
        class_names=options.class_names,
    )
    entry = convert_file(options.source, options.output, options.name, facts, _log)
    origin = entry.training["converted_from"]
    result = {
        "checkpoint": str(options.output / entry.stored.file),
        "name": entry.name,
        "kind": entry.kind,
        "architecture": entry.architecture,
        "arguments": entry.arguments,
        "input_size": entry.input_size,
        "parameters": origin["parameters"],
        "bytes": entry.stored.bytes,
        "sha256": entry.stored.sha256,
        "source_sha256": origin["sha256"],
        "licence": origin["licence"],
    }
    if entry.kind != "prior":
        result["num_classes"] = entry.num_classes
        result["test_accuracy"] = entry.test_accuracy  # nobody measured it here
    if entry.kind == "target":
        result["alpha"] = entry.alpha
    return result


def toy(options: argparse.Namespace) -> dict[str, Any]:
    result = run_toy(options.alpha)
    return {
        "alpha": result.alpha,
        "final_loss": round(result.final_loss, 4),
        "steps": result.walk.steps,
        "distance": round(result.walk.distance, 2),
        "end": list(result.walk.path[-1]),
    }


def bench(options: argparse.Namespace) -> dict[str, Any]:
    compute = choose_compute(options.device)
    if options.paper_scale:
        batches = parse_numbers(options.batches)
        return run_paper_bench(compute, options.target, batches, options.at_once, _log)
    result = run_bench(open_zoo(options.zoo), compute)
    return {**asdict(result), "ratio": round(result.ratio, 2)}


def publish(options: argparse.Namespace) -> dict[str, Any]:
    zoo = open_zoo(options.zoo)
    done = publish_zoo(zoo, options.repo, private=options.private, data_sheet=options.data_sheet)
    return {
        "commit": done.address.revision,
        "address": str(done.address),
        "url": done.url,
        "files": done.files,
        "bytes": done.total_bytes,
    }


def doctor(options: argparse.Namespace) -> dict[str, Any]:
    checks = doctor_checks.run_checks(
        options.zoo, options.device, online=options.online, accuracy=options.accuracy
    )
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def as_text(result: dict[str, Any]) -> str:
    """A result for people: one line a key, lanes and checks on lines of their own."""
    lines = []
    for key, value in result.items():
        if key == "checks":
            for check in value:
                mark = "ok  " if check["ok"] else "FAIL"
                remedy = "" if check["ok"] else f" -> {check['remedy']}"
                lines.append(f"{mark} {check['name']}: {check['found']}{remedy}")
        elif key == "lanes" and isinstance(value, dict):
            lines += [_lane_as_text(name, lane) for name, lane in value.items()]
        elif key == "rows":
            lines += [
                results_markdown(value),
                as_attribute_markdown(value, result["attribute_reference"]),
            ]
        elif key in HIDDEN_KEYS:
            continue
        elif value is None:
            lines.append(f"{key}: not measured")
        else:
            lines.append(f"{key}: {value if isinstance(value, str) else json.dumps(value)}")
    return "\n".join(lines)


def _lane_as_text(name: str, lane: dict[str, Any]) -> str:
    top1 = lane["evaluator_top1"]
    hits = round(lane["acc1"] * len(top1))
    return (
        f"{name} (alpha {format_alpha(lane['alpha'])}): the evaluator recognises the identity in "
        f"{hits} of {len(top1)} reconstructions (it sees {', '.join(map(str, top1))}); "
        f"target confidence {lane['target_confidence']:.0%}, delta_face {lane['delta_face']:.2f}"
    )


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _progress(name: str, unit: str = "step", *, shown: bool = True) -> tqdm[Any]:
    """A bar on standard error, on a terminal only."""
    return tqdm(desc=name, unit=unit, file=sys.stderr, disable=None if shown else True)
