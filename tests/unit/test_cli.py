"""The command line as other programs call it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file

from mia_demo import __version__, doctor, toy
from mia_demo.cli import main, parse
from mia_demo.commands import priors
from mia_demo.commands.answers import ANSWERS
from mia_demo.commands.options import Request
from mia_demo.commands.requests import (
    REQUESTS,
    AttackRequest,
    RecordRequest,
    SweepRequest,
    ToyRequest,
)
from mia_demo.commands.training_requests import TrainRequest
from mia_demo.training.prior.config import PriorConfig
from mia_demo.zoo.folder import EMBEDDED_ZOO
from tests.full_disk import full_disk


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    return json.loads(output)


@pytest.mark.usefixtures("brief_quick")
def test_attack_reports_and_saves_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = run_json(
        capsys, "attack", "--identity", "7", "--preset", "quick", "--lanes", "zero,negative",
        "--seed", "2", "--device", "cpu", "--output", str(tmp_path / "run"),
    )  # fmt: skip
    assert (report["identity"], report["seed"], report["preset"]) == (7, 2, "quick")
    assert report["device"] == "cpu"
    assert report["precision"] in ("bf16", "fp32")
    assert report["seconds"] > 0
    assert report["candidate_steps_per_second"] > 0
    assert list(report["lanes"]) == ["zero", "negative"]
    for lane in report["lanes"].values():
        assert {"alpha", "test_accuracy", "target_confidence", "evaluator_top1", "acc1", "acc5",
                "delta_eval", "delta_face", "images"} <= set(lane)  # fmt: skip
        assert len(lane["images"]) == len(lane["evaluator_top1"]) == 4
        assert 0 <= lane["acc1"] <= lane["acc5"] <= 1
        assert 0 <= lane["delta_face"] <= 4
        assert all(share * 4 in range(5) for share in lane["attributes"].values())
        assert {"sex", "hair style", "age band"} <= set(lane["attributes"])
        assert all(Image.open(path).size == (128, 128) for path in lane["images"])
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attack", "--identity", "100"], "Identity 100 is out of range"),
        (["attack", "--identity", "7", "--lanes", "purple"], "No lane 'purple'"),
        (["attack", "--identity", "7", "--preset", "turbo"], "No preset 'turbo'"),
        (["attack", "--identity", "7", "--set", "steps=0"], "Steps must lie in 1..5000"),
        (["attack", "--identity", "7", "--device", "cuda:99"], "not present"),
        (["attack", "--identity", "7", "--zoo", "nowhere"], "is not a zoo"),
        (["toy", "--alpha", "1.5"], "at most 1"),
        (["train-prior", "--data", "nowhere.zip", "--output", "x"], "does not exist"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2_and_leave_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert not list(tmp_path.iterdir())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


KNOBS = ("candidates=1", "kept=1", "steps=1", "selection_rounds=1", "pool_size=10")
FEW = [part for knob in KNOBS for part in ("--set", knob)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["attack", "--identity", "7", "--lanes", "zero", *FEW],
        ["sweep", "--identities", "7", "--seeds", "0", "--lanes", "zero", *FEW],
        ["train", "--alpha", "0", "--epochs", "1", "--input-size", "16"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_full_disk_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    identity_folder: Path,
    arguments: list[str],
) -> None:
    output = tmp_path / "output"
    data = ["--data", str(identity_folder)] if arguments[0] == "train" else []
    with full_disk(2000):
        assert main([*arguments, *data, "--output", str(output), "--device", "cpu"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    line = captured.err.splitlines()[-1]
    assert line.startswith(f"error: Cannot write to {output} (")
    assert line.endswith("; free some space there, or use a folder on another disk.")
    assert "Traceback" not in captured.err


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    """As with ``| head``."""
    program = (
        "import sys, types; from mia_demo import cli; "
        "answers = types.SimpleNamespace(answer=lambda request: {'key': 'value'}); "
        "sys.modules['mia_demo.commands.answers'] = answers; "  # without torch
        "sys.modules['mia_demo.commands.output'] = types.SimpleNamespace(as_text=str); "
        "sys.stdin.read(); sys.exit(cli.main(['toy', '--alpha', '0']))"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as p:
        assert p.stdin is not None
        assert p.stdout is not None
        assert p.stderr is not None
        p.stdout.close()
        p.stdin.close()
        assert p.stderr.read() == b""
    assert p.returncode == 1


def test_train_writes_a_checkpoint_that_attacks_can_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, identity_folder: Path
) -> None:
    report = run_json(
        capsys, "train", "--alpha", "-0.05", "--epochs", "2", "--input-size", "16",
        "--data", str(identity_folder), "--output", str(tmp_path / "zoo"), "--device", "cpu",
    )  # fmt: skip
    assert report["alpha"] == -0.05
    assert report["epochs"] == 2
    assert Path(report["checkpoint"]).is_file()
    assert {"test_accuracy", "train_accuracy", "seconds"} <= set(report)
    # The same command again finds the work done.
    again = run_json(
        capsys, "train", "--alpha", "-0.05", "--epochs", "2", "--input-size", "16",
        "--data", str(identity_folder), "--output", str(tmp_path / "zoo"), "--device", "cpu",
    )  # fmt: skip
    assert again == report


def test_train_on_other_photos_is_another_classifier(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, identity_folder: Path
) -> None:
    arguments = [
        "train", "--alpha", "0", "--epochs", "1", "--input-size", "16", "--device", "cpu",
        "--data", str(identity_folder), "--output", str(tmp_path / "zoo"),
    ]  # fmt: skip
    run_json(capsys, *arguments, "--photos", "1")
    run_json(capsys, *arguments, "--photos", "1")  # it is there
    assert main([*arguments, "--photos", "2"]) == 2
    assert "trained alike on other photos; choose another name or folder" in capsys.readouterr().err


def test_train_takes_a_defence_and_its_strengths(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, identity_folder: Path
) -> None:
    arguments = (
        "train", "--defence", "midre", "--set", "most_area=0.3", "--epochs", "1",
        "--input-size", "16", "--data", str(identity_folder), "--output", str(tmp_path / "zoo"),
        "--device", "cpu",
    )  # fmt: skip
    report = run_json(capsys, *arguments)
    assert report["alpha"] == 0
    assert report["defence"] == "midre"
    assert report["strengths"] == {"least_area": 0.1, "most_area": 0.3}
    assert Path(report["checkpoint"]).name == "midre.safetensors"
    assert main([*arguments, "--set", "p=1"]) == 2
    assert "midre has no strength 'p'" in capsys.readouterr().err


def test_train_can_start_where_the_zoos_own_targets_did(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, identity_folder: Path
) -> None:
    run_json(
        capsys, "train", "--alpha", "0", "--epochs", "1", "--learning-rate", "1e-9",
        "--initial-weights", "pretrained", "--input-size", "16",
        "--data", str(identity_folder), "--output", str(tmp_path / "zoo"), "--device", "cpu",
    )  # fmt: skip
    trained = load_file(tmp_path / "zoo" / "alpha+0.safetensors")
    start = load_file(EMBEDDED_ZOO / "pretrained.safetensors")
    convolutions = [key for key, weights in start.items() if weights.dim() == 4]
    assert convolutions
    for key in convolutions:
        torch.testing.assert_close(trained[key].float(), start[key].float(), atol=1e-5, rtol=1e-3)


@dataclass(frozen=True)
class ShortPrior(PriorConfig):
    autoencoder_kimg: float = 0.02
    mapping_steps: int = 1
    restoration_kimg: float = 0.016
    distillation_kimg: float = 0.012


def test_train_prior_goes_on_and_refuses_a_distance_of_few_images(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    identity_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(priors, "PriorConfig", ShortPrior)
    monkeypatch.setattr("mia_demo.metrics.prior_quality.SAMPLES", 200)
    arguments = (
        "train-prior", "--data", str(identity_folder), "--resolution", "32",
        "--output", str(tmp_path / "zoo"), "--device", "cpu",
    )  # fmt: skip
    (tmp_path / "zoo" / "state" / "alpha+0").mkdir(parents=True)  # another training's
    assert main([*arguments, "--resume"]) == 2
    assert "holds no training yet" in capsys.readouterr().err
    assert run_json(capsys, *arguments, "--minutes", "0") == {"images_seen": 0, "seconds": 0.0}
    done = run_json(capsys, *arguments)
    assert done["images_seen"] == 20 + 16 + 12
    assert done["frechet"] is None  # twelve pictures are no distribution
    assert Path(done["checkpoint"]).is_file()
    assert main(list(arguments)) == 2
    assert "add --resume" in capsys.readouterr().err
    assert run_json(capsys, *arguments, "--resume") == done
    assert main([*arguments, "--resume", "--seed", "1"]) == 2
    assert "other settings or data; give the same ones" in capsys.readouterr().err


def test_no_arguments_show_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "make-zoo" in capsys.readouterr().out


def test_attack_says_in_words_whom_the_evaluator_sees(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["attack", "--identity", "7", "--lanes", "zero", "--device", "cpu", *FEW]) == 0
    assert "zero (alpha 0): the evaluator recognises the identity in" in capsys.readouterr().out


def test_doctor_finds_this_installation_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    report = run_json(capsys, "doctor", "--device", "cpu")
    assert report["ok"] is True
    names = [check["name"] for check in report["checks"]]
    assert {"python", "torch", "gradio", "device", "zoo zero", "zoo prior", "disk"} <= set(names)
    assert "hub" not in names  # no connection unless asked


def test_doctor_names_the_remedy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--zoo", str(tmp_path)]) == 1
    assert "-> Restore checkpoints/ or run make-zoo." in capsys.readouterr().out


def test_doctor_on_a_space(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "ada/smooth")
    monkeypatch.setenv("CPU_CORES", "2")
    assert main(["doctor", "--device", "cpu"]) == 0
    assert "ok   space: ada/smooth: no GPU, 2 CPU cores" in capsys.readouterr().out
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert main(["doctor", "--device", "cpu"]) == 1
    printed = capsys.readouterr().out
    assert "ok   space: ada/smooth: ZeroGPU, 2 CPU cores" in printed
    assert "FAIL zerogpu: nobody to ask for a GPU -> Choose ZeroGPU in the Space" in printed


def test_doctor_names_a_package_of_another_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needed = tmp_path / "requirements.txt"
    needed.write_text("numpy>=2,<3\ntorch>=99\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "REQUIREMENTS", needed)
    assert main(["doctor", "--device", "cpu"]) == 1
    assert re.search(r"FAIL torch: \S+, needed is >=99 -> Run: .*pip", capsys.readouterr().out)


def test_doctor_says_where_nothing_can_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Root may write everywhere, but nobody below a file.
    (tmp_path / "home").write_text("no folder")
    monkeypatch.setattr(doctor, "RUNS", tmp_path / "home" / "runs")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    assert main(["doctor", "--device", "cpu"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"FAIL disk: \S+runs cannot be written -> Make it writable", printed)
    assert re.search(r"FAIL hub cache: \S+hub, .*, cannot be written -> .*HF_HOME", printed)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home"))  # a file itself
    assert main(["doctor", "--device", "cpu"]) == 1
    assert "FAIL hub cache: " in capsys.readouterr().out


def test_toy_prints_its_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "TRAINING_STEPS", 50)  # the paper's figures: test_toy
    monkeypatch.setattr(toy, "ATTACK_STEPS", 40)
    report = run_json(capsys, "toy", "--alpha", "0")
    assert set(report) == {"alpha", "final_loss", "steps", "distance", "end"}
    assert (report["alpha"], report["steps"]) == (0.0, 40)
    assert report["distance"] > 0


def test_a_sweep_prints_its_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--identities", "3", "--lanes", "zero", "--output", str(tmp_path)]
    assert main(["sweep", *arguments, *FEW]) == 0
    printed = capsys.readouterr().out
    assert "| Lane | α | Test accuracy |" in printed
    assert "| zero | 0 |" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("toy", r"error: Missing option '--alpha'.* \(python -m mia_demo toy --help\)"),
        (
            "toy --alpha x",
            "error: Invalid value for '--alpha': .*mia_demo toy --help",
        ),
        ("toys", r"error: No such command 'toys'.* \(python -m mia_demo --help\)"),
        ("toy --alpah 0", r"error: No such option: --alpah .*--alpha"),
        ("sweep --alphas 0 --training-seeds 1 --output x", "error: Give --training-seeds or --al"),
        ("record --name x", "error: Give exactly one of --sweep, --attack, --shield, --people"),
        ("train --alpha 0 --output x --milestones", "error: Option '--milestones' requires an"),
    ],
)
def test_typing_errors_are_one_line_too(
    capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    assert main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert re.match(message, line)


@pytest.mark.parametrize("alphas", ["--alphas=-0.1,0", "--alphas -0.1,0"])
def test_values_may_begin_with_a_minus(alphas: str) -> None:
    request = parse(["sweep", *alphas.split(), "--output", "x"])
    assert isinstance(request, SweepRequest)
    assert request.alphas == "-0.1,0"
    toy = parse(["toy", "--alpha", "-5e-2", "--json"])
    assert isinstance(toy, ToyRequest)
    assert (toy.alpha, toy.as_json) == (-0.05, True)


def test_options_with_several_values_take_them_in_a_row() -> None:
    train = parse(
        [
            "train",
            "--milestones",
            "0.6",
            "0.9",
            "--phases",
            "0",
            "0",
            "--alpha",
            "0",
            "--output",
            "x",
        ]
    )
    assert isinstance(train, TrainRequest)
    assert (train.milestones, train.phases) == ([0.6, 0.9], (0.0, 0.0))
    record = parse(["record", "--sweep", "s", "--quote", "a.md", "b.md", "--name", "n"])
    assert isinstance(record, RecordRequest)
    assert record.quote == [Path("a.md"), Path("b.md")]
    attack = parse(["attack", "--identity", "1", "--set", "steps=3", "--set", "loss=logit"])
    assert isinstance(attack, AttackRequest)
    assert attack.settings == ["steps=3", "loss=logit"]


@pytest.mark.parametrize("request_class", REQUESTS)
def test_every_command_is_answered_and_explains_its_options(
    request_class: type[Request], capsys: pytest.CaptureFixture[str]
) -> None:
    assert request_class in ANSWERS
    assert main([request_class.command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.isascii()  # every terminal, pipe and log can show it
    assert {"--json", "--device", "--zoo"} <= set(shown.split())


def test_help_and_typing_errors_do_not_wait_for_torch() -> None:
    program = (
        "import sys; from mia_demo.cli import main; main(['toy']); print('torch' in sys.modules)"
    )
    done = subprocess.run(  # a process of its own: here torch is imported already
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_an_interrupted_command_says_what_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(request: Request) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(ANSWERS, ToyRequest, interrupted)
    assert main(["toy", "--alpha", "0"]) == 130
    assert capsys.readouterr().err == "stopped; finished parts are kept\n"
