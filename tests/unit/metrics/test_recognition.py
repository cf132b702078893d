"""Rank-1 identification by hand."""

from __future__ import annotations

import torch

from mia_demo.metrics.recognition import identity_centres, recognised


def test_the_nearest_centre_names_the_identity() -> None:
    gallery = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    centres, identities = identity_centres(gallery, torch.tensor([4, 4, 9, 9]))
    assert identities.tolist() == [4, 9]
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(centres[0, 1] / centres[0, 0], torch.tensor(0.6 / 1.8))
    probes = torch.tensor([[0.28, 0.96], [0.96, 0.28]])  # leaning to 9, and to 4
    assert recognised(probes, centres, identities).tolist() == [9, 4]
