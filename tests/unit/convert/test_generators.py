"""Foreign generators: what comes out computes what NVIDIA's own code computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from mia_demo.cli import main
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.files import sha256_of
from mia_demo.zoo.folder import FolderZoo
from tests.unit.convert.nvidia_pickles import OPTIONS, network_pickle

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2_ada_32px.safetensors"


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN)


@pytest.fixture(scope="module")
def state(golden: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key[6:]: value for key, value in golden.items() if key.startswith("state.")}


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "executed"


def converted(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> dict:
    zoo = source.parent / "zoo"
    assert main(["convert", str(source), "--output", str(zoo), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> str:
    zoo = source.parent / "zoo"
    assert main(["convert", str(source), "--output", str(zoo), *more]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert not zoo.exists()
    return captured.err


def assert_golden(generator: Generator, golden: dict[str, Tensor]) -> None:
    whole, truncated = (generator.mapping(golden["in.z"], psi) for psi in (1, 0.5))
    w = torch.cat([truncated[:, :4], whole[:, 4:]], dim=1)
    torch.testing.assert_close(w, golden["out.w_psi0.5_cutoff4"], atol=1e-4, rtol=0)
    image = generator.synthesis(w)
    torch.testing.assert_close(image, golden["out.image_const_noise"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_a_network_pickle_becomes_a_prior_that_computes_the_golden_images(
    capsys, tmp_path: Path, golden, state, witness: Path, protocol: int
) -> None:
    source = tmp_path / "network-snapshot.pkl"
    source.write_bytes(network_pickle(state, witness, protocol=protocol))
    report = converted(capsys, source)
    assert report["kind"] == "prior"
    assert report["architecture"] == "stylegan2"
    assert report["arguments"] == {
        "z_dim": 32, "w_dim": 32, "resolution": 32, "channel_base": 512, "channel_max": 32,
        "mapping_layers": 8,
    }  # fmt: skip
    assert report["source_sha256"] == sha256_of(source)
    assert "non-commercial" in report["licence"]
    zoo = FolderZoo(tmp_path / "zoo")
    assert_golden(zoo.load_prior(), golden)
    entry = zoo.entry("prior")
    assert entry.training.converted_from["licence"] == report["licence"]
    assert report["sha256"] == entry.stored.sha256
    assert report["parameters"] == sum(p.numel() for p in zoo.load_prior().parameters())
    assert not witness.exists()


@pytest.mark.parametrize("nested", [None, "g_ema", "G_ema", "state_dict"])
@pytest.mark.parametrize("legacy", [False, True])
def test_plain_tensors_become_a_prior(
    capsys, tmp_path: Path, golden, state, nested: str | None, legacy: bool
) -> None:
    source = tmp_path / "ffhq.pt"
    content = {nested: state} if nested else state
    torch.save(content, source, _use_new_zipfile_serialization=not legacy)
    report = converted(capsys, source, "--name", "plain")
    assert report["name"] == "plain"
    assert_golden(FolderZoo(tmp_path / "zoo").load_prior("plain"), golden)


def rosinality_layout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The golden generator as rosinality's programs would save it, written out name by name."""
    kernel = torch.outer(*[torch.tensor([1.0, 3.0, 3.0, 1.0])] * 2) / 16
    saved = {"input.input": state["synthesis.b4.const"][None]}
    for layer in range(8):
        for part in ("weight", "bias"):
            saved[f"style.{layer + 1}.{part}"] = state[f"mapping.fc{layer}.{part}"]
    convolutions = {
        "conv1": "b4.conv1",
        "convs.0": "b8.conv0", "convs.1": "b8.conv1",
        "convs.2": "b16.conv0", "convs.3": "b16.conv1",
        "convs.4": "b32.conv0", "convs.5": "b32.conv1",
    }  # fmt: skip
    for number, (name, official) in enumerate(convolutions.items()):
        layer = {key.removeprefix(f"synthesis.{official}."): value for key, value in state.items()}
        saved[f"{name}.conv.weight"] = layer["weight"][None]
        saved[f"{name}.conv.modulation.weight"] = layer["affine.weight"]
        saved[f"{name}.conv.modulation.bias"] = layer["affine.bias"]
        saved[f"{name}.noise.weight"] = layer["noise_strength"][None]
        saved[f"{name}.activate.bias"] = layer["bias"]
        saved[f"noises.noise_{number}"] = layer["noise_const"][None, None]
        if official.endswith("conv0"):
            saved[f"{name}.conv.blur.kernel"] = kernel
    for name, block in {"to_rgb1": 4, "to_rgbs.0": 8, "to_rgbs.1": 16, "to_rgbs.2": 32}.items():
        official = f"synthesis.b{block}.torgb"
        saved[f"{name}.conv.weight"] = state[f"{official}.weight"][None]
        saved[f"{name}.conv.modulation.weight"] = state[f"{official}.affine.weight"]
        saved[f"{name}.conv.modulation.bias"] = state[f"{official}.affine.bias"]
        saved[f"{name}.bias"] = state[f"{official}.bias"][None, :, None, None]
        if block > 4:
            saved[f"{name}.upsample.kernel"] = kernel
    return saved


def test_rosinalitys_layout_computes_the_golden_images(
    capsys, tmp_path: Path, golden, state
) -> None:
    source = tmp_path / "stylegan2-ffhq-config-f.pt"
    saved = rosinality_layout(state)
    torch.save({"g_ema": saved, "latent_avg": state["mapping.w_avg"]}, source)
    converted(capsys, source)
    assert_golden(FolderZoo(tmp_path / "zoo").load_prior(), golden)


def test_without_a_mean_style_one_is_computed(capsys, tmp_path: Path, state) -> None:
    source = tmp_path / "100000.pt"
    torch.save({"g_ema": rosinality_layout(state)}, source)
    converted(capsys, source)
    generator = FolderZoo(tmp_path / "zoo").load_prior()
    styles = generator.mapping(torch.randn(4000, 32))[:, 0]
    spread = styles.std(dim=0)
    assert ((generator.mapping.w_avg - styles.mean(dim=0)).abs() < 0.1 * spread).all()


def test_odd_files_in_rosinalitys_layout_are_refused(capsys, tmp_path: Path, state) -> None:
    source = tmp_path / "odd.pt"
    saved = rosinality_layout(state)
    torch.save({"g_ema": saved | {"convs.0.conv.blur.kernel": torch.ones(4, 4)}}, source)
    assert "other filters" in refusal(capsys, source)
    torch.save({"g_ema": saved | {"convs.99.extra": torch.ones(1)}}, source)
    assert "has no place for convs.99.extra" in refusal(capsys, source)
    torch.save({"g_ema": {"input.input": torch.ones(1, 4, 4, 4)}}, source)
    assert "unusable mapping network" in refusal(capsys, source)
    # A small file that names a network of a gigabyte.
    deep = {f"style.{n}.weight": torch.ones(()) for n in range(2, 400)} | {
        f"style.{n}.bias": torch.ones(()) for n in range(1, 400)
    }
    kept = {key: tensor for key, tensor in saved.items() if not key.startswith("style.")}
    torch.save({"g_ema": kept | deep | {"style.1.weight": torch.ones(512, 512)}}, source)
    assert "unusable mapping network" in refusal(capsys, source)


def test_the_licence_is_shown_to_people_too(capsys, tmp_path: Path, state) -> None:
    source = tmp_path / "ffhq.pt"
    torch.save(state, source)
    assert main(["convert", str(source), "--output", str(tmp_path / "zoo")]) == 0
    assert "licence: NVIDIA's StyleGAN2 weights" in capsys.readouterr().err


def test_a_clamp_of_the_activations_is_kept(capsys, tmp_path: Path, golden, state, witness) -> None:
    source = tmp_path / "clamped.pkl"
    options = {**OPTIONS, "synthesis_kwargs": {"conv_clamp": 0.5}}
    source.write_bytes(network_pickle(state, witness, options=options))
    assert converted(capsys, source)["arguments"]["conv_clamp"] == 0.5
    generator = FolderZoo(tmp_path / "zoo").load_prior()
    seen: list[Tensor] = []
    for module in generator.modules():
        if hasattr(module, "clamp"):
            module.register_forward_hook(lambda _module, _input, output: seen.append(output))
    image = generator.synthesis(golden["out.w"])
    assert all(output.abs().max() <= 0.5 for output in seen)
    assert len(seen) == 11  # every convolution and every contribution to the picture
    assert (image - golden["out.image_no_noise"]).abs().max() > 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c_dim": 10}, "c_dim=10"),
        ({"img_channels": 1}, "img_channels=1"),
        ({"mapping_kwargs": {"activation": "relu"}}, "activation=relu"),
        ({"synthesis_kwargs": {"architecture": "resnet"}}, "architecture=resnet"),
        ({"synthesis_kwargs": {"new_idea": True}}, "new_idea=True"),
        ({"synthesis_kwargs": {"conv_clamp": "much"}}, "not a StyleGAN2 generator"),
    ],
)
def test_generators_that_compute_otherwise_are_refused(
    capsys, tmp_path: Path, state, witness: Path, change: dict, message: str
) -> None:
    source = tmp_path / "other.pkl"
    source.write_bytes(network_pickle(state, witness, options={**OPTIONS, **change}))
    assert message in refusal(capsys, source)


def test_incomplete_and_damaged_networks_are_named(
    capsys, tmp_path: Path, state, witness: Path
) -> None:
    source = tmp_path / "network.pkl"
    lacking = {key: value for key, value in state.items() if key != "mapping.w_avg"}
    source.write_bytes(network_pickle(lacking, witness))
    assert "lacks mapping.w_avg" in refusal(capsys, source)
    source.write_bytes(
        network_pickle({**state, "synthesis.extra": state["mapping.w_avg"]}, witness)
    )
    assert "has no place for synthesis.extra" in refusal(capsys, source)
    odd = {**state, "synthesis.b8.conv0.weight": torch.zeros(32, 31, 3, 3)}
    source.write_bytes(network_pickle(odd, witness))
    assert "another shape at synthesis.b8.conv0.weight" in refusal(capsys, source)
    infinite = {**state, "mapping.fc3.bias": torch.full((32,), torch.inf)}
    source.write_bytes(network_pickle(infinite, witness))
    assert "infinite or undefined" in refusal(capsys, source)
    source.write_bytes(network_pickle(state, witness, class_name="Discriminator"))
    assert "holds no G_ema" in refusal(capsys, source)


def test_options_of_classifiers_are_no_use_for_a_generator(capsys, tmp_path: Path, state) -> None:
    source = tmp_path / "ffhq.pt"
    torch.save(state, source)
    assert "are for classifiers" in refusal(capsys, source, "--alpha", "0")


def test_nothing_is_overwritten(capsys, tmp_path: Path, state) -> None:
    source = tmp_path / "ffhq.pt"
    torch.save(state, source)
    converted(capsys, source)
    before = (tmp_path / "zoo" / "manifest.json").read_bytes()
    assert main(["convert", str(source), "--output", str(tmp_path / "zoo")]) == 2
    assert "has a checkpoint 'prior' already" in capsys.readouterr().err
    assert (tmp_path / "zoo" / "manifest.json").read_bytes() == before
    assert main(["convert", str(source), "--output", str(tmp_path / "zoo"), "--name", "../x"]) == 2
    assert "is not a valid name" in capsys.readouterr().err
