"""IF-GMI: the prior cut in two, and the ball that its features stay in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mia_demo.attack.attack import Attacker
from mia_demo.attack.intermediate import RADIUS_SHARE, IntermediateFeatures, within_l1_ball
from mia_demo.attack.named import named_attack
from mia_demo.models.stylegan2 import Generator
from mia_demo.training.state import step_generator
from tests.tiny_zoo import COMPUTE, GENERATOR, SIZE, make_tiny_zoo


@pytest.mark.parametrize("block", [0, 1])
def test_a_prior_cut_in_two_draws_the_same_picture(block: int) -> None:
    torch.manual_seed(0)
    generator = Generator(**GENERATOR).requires_grad_(False)
    w = torch.randn(3, generator.w_dim)
    expected = generator.synthesize(w)
    synthesis = generator.synthesis
    ws = w.unsqueeze(1).expand(-1, generator.num_ws, -1)
    features = synthesis.through(ws, range(block + 1))
    _, picture = synthesis.through(ws, range(block + 1, len(synthesis.resolutions)), features)
    torch.testing.assert_close(picture, expected)
    if block:
        front = synthesis.through(ws, range(1))
        for one, two in zip(
            synthesis.through(ws, range(1, block + 1), front), features, strict=True
        ):
            torch.testing.assert_close(one, two)


def test_the_projection_is_the_nearest_point_of_the_ball() -> None:
    changes = torch.tensor([[[3.0, -1.0], [0.5, 0.0]], [[0.1, 0.1], [-0.1, 0.0]]])
    found = within_l1_ball(changes, torch.tensor([2.0, 2.0]))
    # |3| + |-1| + |0.5| = 4.5: soft thresholding by 1 leaves 2 + 0.
    assert torch.allclose(found[0], torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    assert torch.equal(found[1], changes[1])  # inside already
    some = torch.randn(5, 40)
    inside = within_l1_ball(some, torch.full((5,), 4.0))
    assert inside.abs().sum(dim=1).tolist() == pytest.approx([4.0] * 5, rel=1e-5)


def test_first_the_style_moves_then_the_features_of_each_block(tmp_path: Path) -> None:
    attacker = Attacker(make_tiny_zoo(tmp_path), COMPUTE)
    config = named_attack("if_gmi", "quick", steps=12, candidates=2, kept=2, lanes=("zero",))
    start = torch.randn(1, 2, attacker.generator.w_dim)
    lanes = [attacker.lane("zero")]
    search = IntermediateFeatures(attacker.renderer, lanes, [0], start, config, prior=start[0])
    blocks, styles = [], []
    for step in range(config.steps):
        trace = search.step(step_generator(0, step)).trace
        assert trace is not None
        torch.testing.assert_close((trace.w + trace.moved)[0], search.moving.flatten(1))
        blocks.append(search.block)
        styles.append(search.styles())
    assert blocks == [-1] * 5 + [0] * 3 + [1] * 4  # 4 and 8 pixels; the last block is the picture
    assert torch.equal(styles[5], styles[-1])
    change = (search.moving - search.centre).abs().flatten(1).sum(dim=1)
    most = RADIUS_SHARE * search.centre.abs().flatten(1).sum(dim=1)
    assert ((change > 0) & (change <= most * 1.0001)).all()
    pictures = search.pictures()
    assert pictures.shape == (1, 2, 3, SIZE, SIZE)
    of_style = attacker.renderer.images(styles[-1][0])
    assert (pictures[0] - of_style).abs().max() > 1e-3
