"""The results table of a sweep: one row per lane, every figure of the paper's evaluation.

A figure that cannot be computed honestly (too few images) is None, with the reason beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import stage_names
from mia_demo.errors import ConfigError
from mia_demo.metrics.attributes import shares
from mia_demo.metrics.calibration import Calibration, calibration
from mia_demo.metrics.estimates import Estimate, mean_over_identities, spread_over
from mia_demo.metrics.extraction import knowledge_extraction
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.metrics.prdc import Prdc, mean_prdc, prdc
from mia_demo.metrics.recognition import identity_centres, recognised
from mia_demo.sweep.judging import AttributeJudge, Judge, open_attribute_judge
from mia_demo.sweep.known_photos import KnownPhotos
from mia_demo.sweep.rows import LaneRow
from mia_demo.sweep.sweep import SweepPlan, judge_again
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.reading import Zoo

# Fields of ``LaneRow``, in the order of the dataclasses that they come from.
CALIBRATION = tuple(field.name for field in fields(Calibration))
PRDC = tuple(field.name for field in fields(Prdc))
EXTRACTION = ("extraction_train", "extraction_test")


class Table:
    """Measures the lanes of a finished sweep of the attacker's zoo, one by one.

    Verdicts of other judges are replaced first.

    Attributes:
        attributes: the judge of attributes, None where the zoo has none.
    """

    def __init__(self, attacker: Attacker, judge: Judge, plan: SweepPlan) -> None:
        zoo, compute = attacker.zoo, judge.compute
        self.attacker, self.judge, self.plan = attacker, judge, plan
        judge_again(judge, plan, attacker.framing.picture_size)
        self._results = [result["lanes"] for result in plan.results()]
        self._photos = KnownPhotos(zoo, zoo.entry("evaluator").input_size, compute)
        self._train = self._photos.photos_of(set(plan.identities), "train")
        self._test = self._photos.photos_of(set(self._train.labels.tolist()), "test")
        self.attributes, self._no_attributes = open_attribute_judge(zoo, compute)
        embeddings = self._photos.outputs("embedder", judge.embedder, "train")
        gallery = self._photos.labels("train")
        self._faces = identity_centres(embeddings, gallery)
        swept = torch.isin(gallery, self._train.labels)
        self._real = Cloud(embeddings[swept], gallery[swept])

    def row(self, lane: str) -> LaneRow:
        """The lane's row, not compared with any other."""
        plan, compute = self.plan, self.judge.compute
        fake = reconstructions(self.attacker.zoo, plan, plan.config.lanes.index(lane))
        cloud = Cloud(predict(self.judge.embedder, fake.images, compute), fake.labels)
        target = self.attacker.lane(stage_names(lane)[1])
        entry = self.attacker.zoo.entry(target.name)
        logits = self._photos.outputs(target.name, target.classifier, "test")
        hits = recognised(cloud.features, *self._faces) == fake.labels
        leaked, refused = _attribute_shares(self.attributes, fake)
        verdicts = [lanes[lane] for lanes in self._results]
        return LaneRow(
            lane=lane,
            alpha=verdicts[0]["alpha"],
            defence=entry.defence if entry.is_defended else "",
            face_rank1=mean_over_identities(
                hits.float().reshape(len(plan.identities), -1).mean(dim=1).numpy()
            ),
            attributes=leaked,
            attributes_refused=self._no_attributes or refused,
            **attack_figures(verdicts, seeds=len(plan.seeds)),
            **_attempt(CALIBRATION, calibration, logits, self._photos.labels("test")),
            **_attempt(("frechet",), frechet_distance, cloud.features, self._real.features),
            **_attempt(PRDC, _prdc, self._real, cloud),
            **_attempt(EXTRACTION, knowledge_extraction, fake, self._train, self._test, compute),
        )


@dataclass(frozen=True)
class Cloud:
    """Features [N, D] and the identity of each."""

    features: Tensor
    labels: Tensor


def _prdc(real: Cloud, fake: Cloud) -> Prdc:
    parts = [
        prdc(real.features[real.labels == label], fake.features[fake.labels == label])
        for label in real.labels.unique()
    ]
    return mean_prdc(parts)


def _attribute_shares(
    judge: AttributeJudge | None, fake: LabelledImages
) -> tuple[dict[str, Estimate], str]:
    """Share of reconstructions with the right value; interval as for Acc@1, over identities.

    Returns:
        the shares, and why intervals are missing.
    """
    if judge is None:
        return {}, ""
    right = judge.right(fake)
    people = torch.stack(
        [right[fake.labels == label].mean(dim=0) for label in fake.labels.unique()]
    )
    found, refused = {}, ""
    for (name, share), column in zip(shares(right).items(), people.T, strict=True):
        found[name] = Estimate(share)
        if share is not None:
            estimate = mean_over_identities(column[~column.isnan()].numpy(), value=share)
            found[name] = Estimate(share, estimate.interval)
            refused = refused or estimate.refused
    return found, refused


def attack_figures(verdicts: Sequence[dict[str, Any]], *, seeds: int) -> dict[str, Estimate]:
    """Means over identities and seeds of a lane's judged attacks, by field of ``LaneRow``.

    Intervals are over identities, each with the mean of its seeds; Acc@1 has a spread over seeds.

    Args:
        verdicts: ordered by identity, then seed.
    """

    def grid(key: str) -> npt.NDArray[np.float64]:
        """[identities, seeds]."""
        return np.array([verdict[key] for verdict in verdicts]).reshape(-1, seeds)

    acc1, delta_face = grid("acc1"), grid("delta_face")
    return {
        "test_accuracy": Estimate(verdicts[0]["test_accuracy"]),
        "acc1": mean_over_identities(
            acc1.mean(axis=1),
            value=float(acc1.mean()),
            spread=spread_over("seeds", acc1.mean(axis=0)),
        ),
        "delta_face": mean_over_identities(delta_face.mean(axis=1), value=float(delta_face.mean())),
        **{
            key: Estimate(float(grid(key).mean()))
            for key in ("acc5", "delta_eval", "target_confidence")
        },
    }


def _attempt(
    names: Sequence[str], measure: Callable[..., Any], *arguments: Any
) -> dict[str, Estimate]:
    """The figures of ``measure``, a number or a dataclass of numbers; refused where it refuses."""
    try:
        found = measure(*arguments)
    except ConfigError as error:
        return dict.fromkeys(names, Estimate(None, refused=str(error)))
    values = (found,) if isinstance(found, float) else astuple(found)
    return {name: Estimate(value) for name, value in zip(names, values, strict=True)}


def reconstructions(zoo: Zoo, plan: SweepPlan, lane: int) -> LabelledImages:
    """The kept pictures of a lane, ordered by identity, then seed, with the identities wanted."""
    size = Framing.of(zoo).picture_size
    images: list[Tensor] = []
    labels: list[int] = []
    for identity in plan.identities:
        for seed in plan.seeds:
            kept = plan.pictures(seed, identity, size)[lane].clone()  # not all lanes' in memory
            images.append(kept)
            labels += [identity] * len(kept)
    return LabelledImages(torch.cat(images), torch.tensor(labels))
