"""Stage 2: candidates of all lanes walk through w-space in lock-step.

One batch through the generator serves every lane and identity; then each classifier sees its own
candidates. Adam works on each number by itself, so they do not influence each other, and a batch
may go through the networks in micro-batches without changing the result. Each step is

    w ← Adam(w, ∇_w 1/K Σ_k loss(f(A_s(G(w_k))) / T, y))

with one random crop A_s per step s for all candidates, or the mean over several views of each
(``views``), and the temperature T; w are w_dim unconstrained numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.adam import adam

from mia_demo.attack.head_features import head_inputs, public_features
from mia_demo.attack.losses import LOSSES
from mia_demo.attack.renderer import slices_of
from mia_demo.attack.search import Search, StepRecord, StepTrace
from mia_demo.attack.views import ALTERATIONS, Alteration


def target_confidence(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """Softmax of each track's target class: logits [T, K, C], targets [T] -> [T, K]."""
    probabilities = logits.softmax(dim=2)
    return torch.stack(
        [values[:, target] for values, target in zip(probabilities, targets, strict=True)]
    )


@dataclass(frozen=True)
class _Part:
    """What a micro-batch of n candidates contributes to a step.

    Attributes:
        images: [n, 3, P, P].
        losses, confidences: [n].
        logits: [n, C].
        gradient: by what moves, [n, ...].
        image_gradients: per lane [m, 3 S S], over the lane's m candidates in the micro-batch.
    """

    images: Tensor
    losses: Tensor
    confidences: Tensor
    logits: Tensor
    gradient: Tensor
    image_gradients: dict[int, Tensor]


class Optimisation(Search):
    """Candidates w of several tracks under one Adam."""

    def begin(self, start: Tensor) -> None:
        self.shape = start.shape[:2]
        self.restart(start.flatten(0, 1).to(self.renderer.compute.device).clone())
        self._previous: list[Tensor] | None = None  # image gradients per lane
        self._public: list[Tensor] = []  # per lane, where features count
        if self.config.feature_weight:
            self._public = [public_features(self.renderer, lane, self.prior) for lane in self.lanes]

    def restart(self, moving: Tensor) -> None:
        """Optimises these [T * K, ...] from now on, with a fresh Adam state."""
        self.moving = moving
        self._moments = torch.zeros_like(moving), torch.zeros_like(moving)
        self._updates = torch.tensor(0.0)  # so far

    def step(self, rng: torch.Generator) -> StepRecord:
        config, state = self.config, rng.get_state()
        views = {}
        for side in {lane.attacked.input_size for lane in self.lanes}:
            rng.set_state(state)
            views[side] = ALTERATIONS[config.views](side, config.crop_scale, config.copies, rng)
        micro_batches = self.renderer.micro_batches
        parts = micro_batches.run(len(self.moving), partial(self._part, views))
        return micro_batches.on_one_core(partial(self._move, parts))

    def _move(self, parts: list[_Part]) -> StepRecord:
        """Every candidate, by what its micro-batch found."""
        before, own_gradient = self.moving.clone(), torch.cat([part.gradient for part in parts])
        self._update(own_gradient)
        gradients = [
            torch.cat([p.image_gradients[lane] for p in parts if lane in p.image_gradients])
            for lane in range(len(self.lanes))
        ]
        losses = torch.cat([part.losses for part in parts]).unflatten(0, self.shape)
        return StepRecord(
            images=torch.cat([part.images for part in parts]).unflatten(0, self.shape),
            losses=losses.mean(dim=1),
            confidences=torch.cat([part.confidences for part in parts]).unflatten(0, self.shape),
            gradient_cosine=self._cosine(gradients),
            trace=StepTrace(
                w=before.flatten(1).unflatten(0, self.shape),
                gradient=own_gradient.flatten(1).unflatten(0, self.shape),
                moved=(self.moving - before).flatten(1).unflatten(0, self.shape),
                logits=torch.cat([part.logits for part in parts]).unflatten(0, self.shape),
                losses=losses,
            ),
        )

    def _part(self, views: dict[int, Alteration], part: slice) -> _Part:
        """Losses and gradients of a few candidates; ``views`` by the side of what is seen."""
        config, framing = self.config, self.renderer.framing
        per_lane = len(self.moving) // len(self.lanes)
        with torch.enable_grad():
            moving = self.moving[part].detach().requires_grad_(True)
            images = self._draw(moving, part)
            pieces = list(slices_of(part, per_lane))
            own_images = images.split([within.stop - within.start for _, within in pieces])
            seen: dict[int, Tensor] = {}
            logits: list[Tensor] = []  # per lane [copies, m, C]
            penalties: list[Tensor] = []  # per lane [m], where features count
            for (lane, _), own in zip(pieces, own_images, strict=True):
                seen[lane] = framing.view(own, self.lanes[lane].attacked.input_size)
                answers, penalty = self._ask(lane, views[seen[lane].shape[-1]](seen[lane]))
                logits.append(answers)
                penalties += penalty
            scores = torch.cat(logits, dim=1)
            tracks = [
                (scores[:, within], self.targets[track])
                for track, within in slices_of(part, self.shape[1])
            ]
            losses = torch.cat([self._loss(values, target) for values, target in tracks])
            if penalties:
                losses = losses + config.feature_weight * torch.cat(penalties)
            # Mean over a track's candidates, sum over tracks.
            total = losses.sum() / self.shape[1]
            own_gradient, *gradients = torch.autograd.grad(total, [moving, *seen.values()])
        confidences = [values.softmax(dim=2)[..., target].mean(dim=0) for values, target in tracks]
        return _Part(
            images=framing.picture(images),
            losses=losses.detach(),
            confidences=torch.cat(confidences).detach(),
            logits=scores.detach().mean(dim=0),
            gradient=own_gradient,
            image_gradients={
                lane: gradient.float().flatten(1)
                for lane, gradient in zip(seen, gradients, strict=True)
            },
        )

    def _draw(self, moving: Tensor, part: slice) -> Tensor:
        """Pictures [n, 3, R, R], float32, of what moves of a few candidates."""
        return self.renderer.images(moving)

    def _ask(self, lane: int, views: Tensor) -> tuple[Tensor, list[Tensor]]:
        """A lane's logits [copies, m, C] for its views, copy by copy, and |f - f_reg|^2 / D [m]."""
        classifier, copies = self.lanes[lane].attacked, self.config.copies
        if not self._public:
            return self.renderer.ask(classifier, views).unflatten(0, (copies, -1)), []
        with head_inputs(classifier) as features:
            batch = views.contiguous(memory_format=torch.channels_last)
            logits = self.renderer.answer(classifier, batch).unflatten(0, (copies, -1))
        distances = (features[0] - self._public[lane]).square().mean(dim=1)
        return logits, [distances.unflatten(0, (copies, -1)).mean(dim=0)]

    def _loss(self, logits: Tensor, target: int) -> Tensor:
        """Mean over copies [m] of the loss of logits [copies, m, C]."""
        loss_of = LOSSES[self.config.loss]
        losses = loss_of(logits.flatten(0, 1) / self.config.temperature, target)
        return losses.unflatten(0, logits.shape[:2]).mean(dim=0)

    def styles(self) -> Tensor:
        return self.moving.cpu().unflatten(0, self.shape)

    @torch.no_grad()
    def _update(self, gradient: Tensor) -> None:
        """What ``torch.optim.Adam`` does, which would first import torch's compiler (1.3 s)."""
        first, second = self._moments
        beta = self.config.adam_beta
        adam(
            [self.moving], [gradient], [first], [second], [], [self._updates], amsgrad=False,
            beta1=beta, beta2=beta, lr=self.config.learning_rate, weight_decay=0.0, eps=1e-8,
            maximize=False,
        )  # fmt: skip

    def _cosine(self, gradients: list[Tensor]) -> Tensor:
        previous, self._previous = self._previous, gradients
        if previous is None:
            return torch.full(self.shape[:1], torch.nan)
        pairs = zip(gradients, previous, strict=True)
        cosine = torch.cat([F.cosine_similarity(now, before, dim=1) for now, before in pairs])
        return cosine.unflatten(0, self.shape).mean(dim=1)
