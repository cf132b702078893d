"""How good the prior is: are its faces distributed like real public ones?"""

import torch
from torch import Tensor

from mia_demo.data.transforms import to_uint8
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.models.embedder import FaceEmbedder
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.training.classifier import predict

SAMPLES = 2000


@torch.no_grad()
def sample_images(
    generator: Generator, count: int, compute: Compute, *, seed: int, truncation_psi: float = 1.0
) -> Tensor:
    """Random pictures uint8 [count, 3, R, R] on the CPU."""
    generator = compute.place(generator)
    rng = torch.Generator().manual_seed(seed)
    parts = []
    for start in range(0, count, 250):
        z = torch.randn(min(250, count - start), generator.z_dim, generator=rng)
        with compute.autocast():
            parts.append(to_uint8(generator(z.to(compute.device), truncation_psi)).cpu())
    return torch.cat(parts)


def prior_frechet(
    generator: Generator, embedder: FaceEmbedder, real: Tensor, compute: Compute, *, seed: int
) -> float:
    """Fréchet distance in face-embedder features of samples to real images uint8 [N, 3, R, R]."""
    embedder = embedder.to(compute.device)
    fake = sample_images(generator, SAMPLES, compute, seed=seed)
    return frechet_distance(predict(embedder, fake, compute), predict(embedder, real, compute))
