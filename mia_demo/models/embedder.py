"""The face embedder: the judge that never saw the target identities.

Trained on public identities as a classifier with cosine logits (NormFace, Wang et al. 2017); the
classification head is thrown away and distances between embeddings compare any two faces.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier

COSINE_SCALE = 16.0


class FaceEmbedder(nn.Module):
    """images [B, 3, S, S] in [-1, 1] -> unit vectors [B, D]; squared distances lie in 0..4.

    Args:
        trunk: a classifier whose "logits" are the embedding, before normalisation.
    """

    def __init__(self, trunk: Classifier) -> None:
        super().__init__()
        self.trunk = trunk

    @property
    def network(self) -> nn.Module:
        return self.trunk.network

    @property
    def input_size(self) -> int:
        return self.trunk.input_size

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.trunk(images).float(), dim=1)


class CosineClassifier(nn.Module):
    """Embedder plus one unit prototype per training identity: logits = scale * cosine."""

    def __init__(self, embedder: FaceEmbedder, num_classes: int) -> None:
        super().__init__()
        self.embedder = embedder
        self.prototypes = nn.Parameter(torch.randn(num_classes, embedder.trunk.num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return COSINE_SCALE * F.linear(self.embedder(images), F.normalize(self.prototypes, dim=1))


def rank1_accuracy(embeddings: Tensor, labels: Tensor, gallery: Tensor) -> float:
    """Share of probes whose nearest gallery identity is the right one.

    Args:
        embeddings: unit vectors [N, D].
        labels: int64 [N].
        gallery: bool [N]; gallery images of an identity are averaged, the others are probes.

    Raises:
        ConfigError: no gallery, or no probes.
    """
    if not gallery.any() or gallery.all():
        raise ConfigError(
            f"Rank-1 needs gallery images and probes, not {int(gallery.sum())} and "
            f"{int((~gallery).sum())}."
        )
    identities = labels[gallery].unique()
    centres = [embeddings[gallery & (labels == label)].mean(dim=0) for label in identities]
    centroids = F.normalize(torch.stack(centres), dim=1)
    nearest = identities[(embeddings[~gallery] @ centroids.T).argmax(dim=1)]
    return (nearest == labels[~gallery]).float().mean().item()
