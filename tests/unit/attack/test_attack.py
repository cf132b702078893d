"""The attack on the embedded zoo, with few steps."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.sampling import POOL_PSI, Pool, PoolCache, pool_confidences, pool_subset
from mia_demo.errors import ConfigError, DeviceError
from mia_demo.training.state import step_generator
from mia_demo.zoo.reading import Zoo

CONFIG = preset_config(
    "quick", identity=7, seed=1, steps=4, candidates=4, kept=3, selection_rounds=2
)
SMALL = replace(CONFIG, steps=2, candidates=2, kept=2)


@pytest.fixture(scope="module")
def run(attacker: Attacker) -> list[AttackFrame]:
    """Every frame of the attack of ``CONFIG``."""
    return list(attacker.run(CONFIG))


def stored_pool(attacker: Attacker) -> Pool:
    *_, pool = attacker.pools.get([attacker.lane("zero")], POOL_PSI, pool_subset(2000, 0))
    assert isinstance(pool, Pool)
    return pool


def test_stages_steps_and_lanes_come_in_order(run: list[AttackFrame]) -> None:
    frames = [frame for frame in run if frame.lanes]
    assert [frame.stage for frame in frames] == [
        "sampling", *["optimisation"] * 4, "selection", "done"
    ]  # fmt: skip
    assert [frame.step for frame in frames[1:5]] == [1, 2, 3, 4]
    assert all(
        [lane.name for lane in frame.lanes] == ["positive", "zero", "negative"] for frame in frames
    )
    last = frames[-1]
    assert last.is_last
    for lane in last.lanes:
        assert lane.images.shape == (3, 128, 128, 3)
        assert lane.images.dtype == np.uint8
        assert lane.styles is not None
        assert lane.styles.shape[0] == 3
        assert list(lane.confidences) == sorted(lane.confidences, reverse=True)
        assert lane.best == 0
    assert math.isnan(frames[1].lanes[0].gradient_cosine)
    assert all(-1 <= lane.gradient_cosine <= 1 for frame in frames[2:5] for lane in frame.lanes)


def test_same_seed_same_pictures_to_the_bit(attacker: Attacker, zoo: Zoo) -> None:
    """Also: a second attack in one process equals a first one in another."""
    *_, other = attacker.run(replace(SMALL, identity=12))
    *_, again = attacker.run(SMALL)
    *_, fresh = Attacker(zoo, attacker.compute).run(SMALL)
    for one, two in zip(again.lanes, fresh.lanes, strict=True):
        assert np.array_equal(one.images, two.images)
        assert one.confidences == two.confidences
    assert not np.array_equal(other.lanes[0].images, again.lanes[0].images)


def test_seeds_matter(attacker: Attacker, run: list[AttackFrame]) -> None:
    one = run[-1]
    *_, two = attacker.run(replace(CONFIG, seed=2))
    assert not np.array_equal(one.lanes[0].images, two.lanes[0].images)


def test_lanes_do_not_influence_each_other(attacker: Attacker, run: list[AttackFrame]) -> None:
    together = run[-1]
    *_, alone = attacker.run(replace(CONFIG, lanes=("negative",)))
    difference = together.lanes[2].images.astype(int) - alone.lanes[0].images.astype(int)
    # Batches of another size may round differently in the last bit.
    assert abs(difference).max() <= 2


def test_optimisation_raises_the_targets_confidence(attacker: Attacker) -> None:
    frames = list(attacker.run(replace(CONFIG, steps=15)))
    steps = [frame for frame in frames if frame.stage == "optimisation"]
    for index in range(3):
        assert steps[-1].lanes[index].loss < steps[0].lanes[index].loss


def test_candidates_beyond_the_batch_wait_their_turn(attacker: Attacker) -> None:
    frames = list(attacker.run(replace(CONFIG, candidates=5, batch_size=2, steps=2)))
    steps = [frame for frame in frames if frame.stage == "optimisation"]
    assert [(frame.step, frame.total_steps) for frame in steps] == [(n, 6) for n in range(1, 7)]
    assert frames[-1].lanes[0].images.shape[0] == 3


def test_fewer_frames_end_in_the_same_pictures(attacker: Attacker, run: list[AttackFrame]) -> None:
    watched = run[-1]
    *frames, unwatched = attacker.run(CONFIG, every=2)
    steps = [frame.step for frame in frames if frame.stage == "optimisation"]
    assert steps == list(range(1, CONFIG.steps + 1, 2))
    for one, two in zip(watched.lanes, unwatched.lanes, strict=True):
        assert np.array_equal(one.images, two.images)


def test_stages_may_be_swapped_between_targets(attacker: Attacker) -> None:
    lanes = ("zero", "zero>zero>zero", "negative>zero>zero", "zero>negative>zero")
    *_, frame = attacker.run(replace(CONFIG, lanes=lanes))
    plain, spelled_out, other_start, other_path = (lane.images for lane in frame.lanes)
    assert [lane.name for lane in frame.lanes] == list(lanes)
    assert np.array_equal(plain, spelled_out)
    assert not np.array_equal(plain, other_start)
    assert not np.array_equal(plain, other_path)
    with pytest.raises(ConfigError, match="one target, or three"):
        attacker.run(replace(CONFIG, lanes=("zero>negative",)))


def test_too_little_memory_is_one_clear_sentence(
    attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate 80 GiB")

    monkeypatch.setattr(Optimisation, "step", exhausted)
    with pytest.raises(DeviceError, match="lower the batch size"):
        list(attacker.run(CONFIG))


@pytest.mark.usefixtures("run")
def test_networks_are_frozen(attacker: Attacker) -> None:
    networks = [attacker.generator, attacker.evaluator, attacker.lane("zero").classifier]
    for network in networks:
        assert not network.training
        for parameter in network.parameters():
            assert not parameter.requires_grad
            assert parameter.grad is None


def test_an_attack_leaves_the_grad_mode_as_it_was(attacker: Attacker) -> None:
    """Grad mode is thread-local: a mode held across a yield would leak into other sessions."""
    config = replace(CONFIG, steps=2, candidates=1, kept=1)
    for _ in attacker.run(config):
        assert torch.is_grad_enabled()
    with torch.no_grad():
        assert list(attacker.run(config))[-1].is_last


def test_wrong_identity_or_lane_is_one_clear_sentence(attacker: Attacker) -> None:
    with pytest.raises(ConfigError, match=r"Identity 100 is out of range.*0 to 99"):
        attacker.run(replace(CONFIG, identity=100))
    with pytest.raises(ConfigError, match=r"No lane 'purple'.*positive, zero, negative"):
        attacker.run(replace(CONFIG, lanes=("purple",)))


def test_stored_pool_agrees_with_the_networks(attacker: Attacker) -> None:
    pool = stored_pool(attacker)
    lanes = [attacker.lane(name) for name in ("positive", "zero", "negative")]
    fresh = pool_confidences(attacker.renderer, lanes, pool.styles[:50])
    for lane in lanes:
        # Stored in float16, computed in bfloat16 where that is native.
        difference = (fresh[lane.name] - pool.confidences[lane.name][:50]).abs()
        assert difference.mean() < 0.002


def test_start_candidates_are_the_best_of_the_seeds_subset(attacker: Attacker) -> None:
    pool = stored_pool(attacker)
    subset = pool_subset(500, seed=3)
    chosen = pool.start_candidates("zero", 7, 4, subset)
    scores = pool.confidences["zero"][:, 7]
    assert set(chosen.tolist()) <= set(subset.tolist())
    assert scores[chosen].min() >= scores[subset].sort(descending=True).values[3]
    assert not torch.equal(subset, pool_subset(500, seed=4))
    with pytest.raises(ConfigError, match="styles"):
        pool_subset(10**6, seed=0)


def test_all_lanes_see_the_same_crop(attacker: Attacker) -> None:
    lane = attacker.lane("zero")
    start = torch.zeros(2, 1, attacker.generator.w_dim)
    config = replace(CONFIG, lanes=("zero", "positive"))
    twins = Optimisation(
        attacker.renderer, [lane, lane], [config.identity], start, config, prior=start[0]
    )
    record = twins.step(step_generator(0, 1))
    assert record.losses[0] == record.losses[1]
    assert record.confidences[0] == record.confidences[1]


def test_candidates_are_updated_as_by_torchs_adam(attacker: Attacker) -> None:
    start = torch.randn(2, 3, attacker.generator.w_dim, generator=step_generator(0, 1))
    lanes = [attacker.lane("zero")] * 2
    ours = Optimisation(attacker.renderer, lanes, [CONFIG.identity], start, CONFIG, prior=start[0])
    theirs = start.flatten(0, 1).to(ours.moving.device).clone().requires_grad_(True)
    betas = (CONFIG.adam_beta, CONFIG.adam_beta)
    adam = torch.optim.Adam([theirs], lr=CONFIG.learning_rate, betas=betas)
    for step in range(3):
        gradient = torch.randn_like(theirs) / 10**step
        ours._update(gradient)
        theirs.grad = gradient
        adam.step()
        assert torch.equal(ours.moving, theirs)


def test_a_group_of_identities_gets_the_attacks_of_each_alone(attacker: Attacker) -> None:
    *_, together = attacker.run_group(SMALL, [5, 9], every=1)
    for identity, frame in zip((5, 9), together, strict=True):
        *_, alone = attacker.run(replace(SMALL, identity=identity))
        for lane, other in zip(frame.lanes, alone.lanes, strict=True):
            assert lane.name == other.name
            assert lane.evaluator_top1 == other.evaluator_top1
            # Batches of another size may round differently, no more.
            np.testing.assert_allclose(lane.confidences, other.confidences, atol=1e-3)
            assert np.abs(lane.images.astype(int) - other.images).max() <= 2


def test_a_large_device_takes_more_identities_at_once(
    attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, candidates=4, kept=1)
    assert attacker.group_size(config) == 1
    room = {attacker.compute.device.type: len(config.lanes) * 4 * 3 * 128**2}
    monkeypatch.setattr("mia_demo.attack.attack.PIXELS_TO_FILL", room)
    assert attacker.group_size(config) == 3


def test_results_do_not_depend_on_how_many_pictures_fit_the_memory(
    attacker: Attacker, zoo: Zoo
) -> None:
    config = replace(CONFIG, steps=3, candidates=3, selection_rounds=2)
    *_, whole_step, _, whole = attacker.run(config)
    tight = Attacker(zoo, attacker.compute)
    tight.renderer.micro_batches.size = 2  # some span two lanes
    *_, part_step, _, parts = tight.run(config)
    for one, other in zip(whole.lanes, parts.lanes, strict=True):
        assert one.evaluator_top1 == other.evaluator_top1
        # Batches of another size may round differently, no more. In double precision both agree to
        # 1e-15; in single, a ReLU near its kink may turn over and move some coordinates a little.
        # A wrong micro-batch would move most of them by a step, 0.01, and more.
        np.testing.assert_allclose(one.confidences, other.confidences, atol=1e-2)
        assert np.median(np.abs(one.styles - other.styles), axis=1).max() < 1e-3
        assert np.abs(one.images.astype(int) - other.images).mean() < 0.1
    for one, other in zip(whole_step.lanes, part_step.lanes, strict=True):
        assert abs(one.loss - other.loss) < 1e-2
        assert abs(one.gradient_cosine - other.gradient_cosine) < 1e-2


def test_only_the_styles_an_attack_draws_are_looked_at(attacker: Attacker, zoo: Zoo) -> None:
    cache = PoolCache(zoo, attacker.renderer)
    lane = attacker.lane("zero")
    subset = pool_subset(5, seed=0)
    *progress, pool = cache.get([lane], 0.7, subset)
    assert progress == [0.0, 1.0]
    assert isinstance(pool, Pool)
    assert pool.confidences["zero"][:, 0].isfinite().nonzero().flatten().tolist() == sorted(
        subset.tolist()
    )
    more = pool_subset(6, seed=0)
    *progress, pool = cache.get([lane], 0.7, more)
    assert pool.confidences["zero"][more].isfinite().all()
    assert next(iter(cache.get([lane], 0.7, subset))) is pool  # known: nothing to compute


def test_of_many_truncations_the_last_few_are_remembered(attacker: Attacker, zoo: Zoo) -> None:
    cache = PoolCache(zoo, attacker.renderer)
    for psi in (POOL_PSI, 0.1, 0.2, 0.3, 0.1, 0.4):
        cache.put(psi, Pool(torch.empty(0), {}))
    assert list(cache.known()) == [POOL_PSI, 0.3, 0.1, 0.4]
