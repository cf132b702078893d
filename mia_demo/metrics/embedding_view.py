"""Penultimate features in two dimensions: how tight are classes, and where do reconstructions land?

The paper's section 4.3 and figure 4. With features f_i of images i, their classes c, and centres
m_c = mean of f_i over the images of class c, all in the full feature space:

    intra-class distance = mean over images of |f_i - m_c(i)|
    inter-class distance = mean over pairs of classes c < d of |m_c - m_d|

Lanes have features of different scale, so only the ratio intra / inter compares them: smaller is
tighter. The picture is the plane of the two largest principal components of the training images;
reconstructions are laid into it with the same axes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.data.transforms import normalise
from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier
from mia_demo.system.device import Compute

FEATURE_BATCH = 128


@dataclass(frozen=True)
class EmbeddingView:
    """N training images and K reconstructions as one classifier sees them.

    Attributes:
        points: [N, 2], training images on the first two principal components.
        landed: [K, 2], reconstructions on the same axes.
        explained: share of the training images' variance that the two axes hold.
        intra, inter: intra-class and inter-class distance.
        landed_distance: mean distance of reconstructions to the centre of the identity they
            should show; None without reconstructions.
        landed_nearest: share of reconstructions whose nearest centre is that identity's.
    """

    points: Tensor
    landed: Tensor
    explained: float
    intra: float
    inter: float
    landed_distance: float | None
    landed_nearest: float | None

    @property
    def ratio(self) -> float:
        return self.intra / self.inter


@torch.no_grad()
def penultimate_features(classifier: Classifier, images: Tensor, compute: Compute) -> Tensor:
    """uint8 [N, 3, S, S] -> [N, D] in single precision, on the CPU."""
    parts = [
        classifier.features(normalise(part.to(compute.device)))
        for part in images.split(FEATURE_BATCH)
    ]
    return torch.cat(parts).float().cpu()


def embedding_view(
    features: Tensor, labels: Tensor, landed: Tensor, landed_labels: Tensor
) -> EmbeddingView:
    """Projects and measures.

    Args:
        features: [N, D] of training images of at least two identities.
        labels: int64 [N].
        landed: [K, D] of reconstructions; K may be 0.
        landed_labels: int64 [K], the identities they should show, all among ``labels``.

    Raises:
        ConfigError: fewer than two identities.
    """
    features, landed = features.double(), landed.double()
    classes = labels.unique()
    if len(classes) < 2:
        raise ConfigError("Distances between classes need at least two identities; name more.")
    centres = torch.stack([features[labels == label].mean(dim=0) for label in classes])
    own = torch.searchsorted(classes, labels)
    intra = (features - centres[own]).norm(dim=1).mean().item()
    inter = torch.pdist(centres).mean().item()

    middle = features.mean(dim=0)
    _, scales, axes = torch.linalg.svd(features - middle, full_matrices=False)
    # An axis has no direction of its own; let its largest weight be positive.
    largest = axes.abs().argmax(dim=1, keepdim=True)
    plane = (axes * axes.gather(1, largest).sign())[:2]
    energy = scales.square()

    distance = nearest = None
    if len(landed):
        target = torch.searchsorted(classes, landed_labels)
        away = torch.cdist(landed, centres)
        distance = away.gather(1, target[:, None]).mean().item()
        nearest = (away.argmin(dim=1) == target).double().mean().item()
    return EmbeddingView(
        points=((features - middle) @ plane.T).float(),
        landed=((landed - middle) @ plane.T).float(),
        explained=(energy[:2].sum() / energy.sum()).item(),
        intra=intra,
        inter=inter,
        landed_distance=distance,
        landed_nearest=nearest,
    )
