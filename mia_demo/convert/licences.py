"""What the publishers of foreign weights allow: shown at conversion and kept in the manifest."""

from __future__ import annotations

STYLEGAN2 = (
    "NVIDIA's StyleGAN2 weights and what is derived from them are under the NVIDIA Source Code "
    "License (https://nvlabs.github.io/stylegan2-ada-pytorch/license.html): research and "
    "evaluation only, non-commercial. Converting changes nothing about that."
)
CLASSIFIER = (
    "The paper's reference code is under the MIT licence, but its checkpoints were trained on "
    "photos of people with terms of their own (CelebA: non-commercial research only). Read those "
    "before you publish weights or reconstructions."
)
