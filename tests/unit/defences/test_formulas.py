"""The defences' formulas against values from elsewhere, and what each changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mia_demo.defences.adversarial import evaluating, one_step, other_labels
from mia_demo.defences.bido import gaussian_kernel, hsic, linear_kernel, normalised
from mia_demo.defences.defence import Step
from mia_demo.defences.mid import NoisyHead, code_divergence
from mia_demo.defences.midre import IMAGENET_MEAN, erase_squares
from mia_demo.defences.registry import build_defence, parse_strengths_by_defence
from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import build_classifier
from mia_demo.smoothing import smoothing_loss

SIZE, CLASSES = 16, 5


def network(architecture: str = "compact_resnet", **arguments: int) -> nn.Module:
    torch.manual_seed(0)
    return build_classifier(architecture, CLASSES, SIZE, arguments).network


def kernel_of_the_code(rows: np.ndarray, kind: str) -> np.ndarray:
    """As Defend_MI's kernelmat: K H, centred from one side."""
    count = len(rows)
    if kind == "gaussian":
        distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
        kernel = np.exp(-distances / (2 * 5.0**2 * rows.shape[1]))
    else:
        kernel = rows @ rows.T
    return kernel @ (np.eye(count) - 1 / count)


def hsic_of_the_code(left: np.ndarray, right: np.ndarray) -> float:
    """As Defend_MI's hsic_normalized_cca."""
    count = len(left)
    ridge = 1e-5 * count * np.eye(count)
    return float(
        np.sum((left @ np.linalg.inv(left + ridge)) * (right @ np.linalg.inv(right + ridge)).T)
    )


def test_hsic_is_what_the_authors_code_computes() -> None:
    rng = np.random.default_rng(0)
    pictures, labels = rng.normal(size=(12, 40)), np.eye(3)[rng.integers(0, 3, 12)]
    expected = hsic_of_the_code(
        kernel_of_the_code(pictures, "gaussian"), kernel_of_the_code(labels, "linear")
    )
    found = hsic(
        normalised(gaussian_kernel(torch.tensor(pictures))),
        normalised(linear_kernel(torch.tensor(labels))),
    )
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_hsic_of_linear_kernels_is_the_squared_correlation() -> None:
    """Fukumizu et al. 2007: the sum of the squared canonical correlations, for one number each."""
    rng = np.random.default_rng(1)
    a = rng.normal(size=200)
    b = 0.6 * a + 0.8 * rng.normal(size=200)
    left, right = (normalised(linear_kernel(torch.tensor(x)[:, None])) for x in (a, b))
    correlation = np.corrcoef(a, b)[0, 1]
    assert hsic(left, right).item() == pytest.approx(correlation**2, rel=1e-3)


def test_the_codes_divergence_is_the_one_of_two_normal_distributions() -> None:
    mean, sigma = torch.randn(6, 4), torch.rand(6, 4) + 0.1
    ours = torch.distributions.Normal(mean, sigma)
    prior = torch.distributions.Normal(torch.zeros(4), torch.ones(4))
    expected = torch.distributions.kl_divergence(ours, prior).sum(dim=1).mean()
    torch.testing.assert_close(code_divergence(mean, sigma), expected)


def test_mid_draws_noise_in_use_only_where_asked() -> None:
    features = torch.randn(3, 8)
    for noise_in_use in (False, True):
        head = NoisyHead(8, CLASSES, noise_in_use=noise_in_use)
        assert not torch.equal(head.train()(features), head(features))
        assert torch.equal(head.eval()(features), head(features)) is not noise_in_use


def test_midre_erases_one_square_of_every_picture() -> None:
    torch.manual_seed(0)
    images = torch.rand(1000, 3, 20, 20) * 0.01 - 1  # far from the colour
    seen = erase_squares(images, 0.1, 0.4)
    erased = (seen != images).all(dim=1)
    colour = torch.tensor(IMAGENET_MEAN) * 2 - 1
    assert (seen.permute(0, 2, 3, 1)[erased] == colour).all()
    assert torch.equal(seen.permute(0, 2, 3, 1)[~erased], images.permute(0, 2, 3, 1)[~erased])
    rows, columns = erased.any(dim=2).sum(dim=1), erased.any(dim=1).sum(dim=1)
    assert torch.equal(rows, columns)  # a square
    assert torch.equal(rows * columns, erased.sum(dim=(1, 2)))  # whole
    share = (rows * columns) / 400
    assert share.min() == pytest.approx(0.1, abs=0.03)
    assert share.max() == pytest.approx(0.4, abs=0.03)
    assert erased.float().mean(dim=0).min() > 0  # anywhere


@pytest.mark.parametrize("skip", [0.0, 0.6])
def test_the_last_stages_shortcut_is_scaled_and_no_other(skip: float) -> None:
    plain, changed = network(width=4, blocks=2), network(width=4, blocks=2)
    build_defence("ssf", {"skip": skip}).change(changed)
    changed.load_state_dict(plain.state_dict())  # names stay
    x = torch.randn(2, 3, SIZE, SIZE)
    plain, changed = plain.eval(), changed.eval()
    before_last = [nn.Sequential(net.stem, *net.layers[:6])(x) for net in (plain, changed)]
    assert torch.equal(*before_last)
    x = before_last[0]
    for block, own in zip(plain.layers[6:], changed.layers[6:], strict=True):
        rest = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))
        expected = (rest + skip * block.shortcut(x)).relu()
        torch.testing.assert_close(own(x), expected)
        x = expected


def test_torchvisions_resnets_have_shortcuts_and_densenets_have_none() -> None:
    resnet = network("resnet18")
    names = list(resnet.state_dict())
    build_defence("ssf", {}).change(resnet)
    assert list(resnet.state_dict()) == names
    assert resnet.layer3[0].downsample is not None
    assert len(resnet.layer4[0].downsample) == 3
    assert len(resnet.layer4[1].downsample) == 1
    with pytest.raises(ConfigError, match="residual"):
        build_defence("ssf", {}).change(network("compact_densenet"))
    with pytest.raises(ConfigError, match="blocks"):
        build_defence("bido", {}).change(network("mobilenet_v2"))


def test_loft_leaves_logits_of_the_necks_rank() -> None:
    changed = network(width=4)
    build_defence("loft", {"neck": 2}).change(changed)
    logits = changed.eval()(torch.randn(9, 3, SIZE, SIZE))
    assert torch.linalg.matrix_rank(logits - logits[:1], atol=1e-6) == 2


def step_of(classifier: nn.Module) -> Step:
    images = torch.rand(8, 3, SIZE, SIZE) * 2 - 1
    labels = torch.arange(8) % CLASSES

    def loss(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = classifier(images)
        return smoothing_loss(logits, labels, 0.0), logits

    return Step(images, labels, classifier, loss)


@pytest.mark.parametrize("towards", [False, True])
def test_one_step_moves_pictures_a_little_and_the_loss_in_its_direction(towards: bool) -> None:
    classifier = network(width=8).train()
    step = step_of(classifier)
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    moved = one_step(step, step.labels, 0.05, towards=towards)
    assert (moved - step.images).abs().max() <= 0.05 + 1e-6
    assert all(module.training for module in classifier.modules())
    for name, tensor in classifier.state_dict().items():
        assert torch.equal(tensor, before[name]), name  # running statistics stay
    assert all(parameter.grad is None for parameter in classifier.parameters())
    with evaluating(classifier):
        change = step.loss(moved, step.labels)[0] - step.loss(step.images, step.labels)[0]
    assert (change < 0).item() is towards


def test_wrong_labels_are_wrong_and_all_are_drawn() -> None:
    torch.manual_seed(0)
    labels = torch.arange(CLASSES).repeat(40)
    wrong = other_labels(labels, CLASSES)
    assert (wrong != labels).all()
    assert {(a, b) for a, b in zip(labels.tolist(), wrong.tolist(), strict=True)} == {
        (a, b) for a in range(CLASSES) for b in range(CLASSES) if a != b
    }


@pytest.mark.parametrize(
    ("name", "strengths", "message"),
    [
        ("armour", {}, "No defence 'armour'"),
        ("mid", {"gamma": 1.0}, "no strength 'gamma'; choose one of beta"),
        ("label_smoothing", {"alpha": 1.0}, "it has none"),
        ("mid", {"beta": -1.0}, "weight of the divergence must lie in 0..10"),
        ("midre", {"least_area": 0.5}, "must not exceed"),
    ],
)
def test_mistakes_are_named(name: str, strengths: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_defence(name, strengths)


def test_strengths_of_several_defences_are_read_at_once() -> None:
    given = ["bido.input_weight=0.01", "midre.most_area=0.3", "bido.label_weight=0.1"]
    assert parse_strengths_by_defence(given) == {
        "bido": {"input_weight": 0.01, "label_weight": 0.1},
        "midre": {"most_area": 0.3},
    }
    for wrong, why in (
        ("input_weight=0.01", r"as DEFENCE\.NAME=NUMBER"),
        ("bido.weight=0.01", "bido has no strength 'weight'"),
        ("nobody.weight=0.01", "No defence 'nobody'"),
    ):
        with pytest.raises(ConfigError, match=why):
            parse_strengths_by_defence([wrong])
