"""Classifiers by name, their features, and the face embedder."""

from __future__ import annotations

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import BasicBlock, architectures, build_classifier
from mia_demo.models.embedder import CosineClassifier, FaceEmbedder, rank1_accuracy


@pytest.mark.parametrize(
    ("architecture", "size"),
    [("compact_resnet", 32), ("compact_densenet", 32), ("resnet18", 32), ("densenet121", 32),
     ("resnext50_32x4d", 32), ("mobilenet_v3_small", 32), ("inception_v3", 80),
     ("efficientnet_lite0", 32)],
)  # fmt: skip
def test_networks_have_one_logit_a_class_and_penultimate_features(
    architecture: str, size: int
) -> None:
    classifier = build_classifier(architecture, 7, size).eval()
    images = torch.zeros(2, 3, size, size)
    with torch.no_grad():
        assert classifier(images).shape == (2, 7)
        features = classifier.features(images)
        assert features.shape[0] == 2
        assert features.shape[1] > 7
        assert classifier(torch.zeros(2, 3, size + 9, size + 9)).shape == (2, 7)


def test_every_torchvision_classifier_is_selectable() -> None:
    assert {"resnet152", "vit_b_16", "efficientnet_b0", "convnext_tiny"} <= set(architectures())


def test_wrong_names_and_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="resnest101"):
        build_classifier("resnest101", 7, 32)
    with pytest.raises(ConfigError, match="cannot be built"):
        build_classifier("compact_resnet", 7, 32, {"depth": 9})


def test_deep_networks_may_begin_as_their_shortcuts() -> None:
    options = {"width": 8, "blocks": 3, "zero_init_residual": True}
    network = build_classifier("compact_resnet", 7, 32, options).eval().network
    blocks = [module for module in network.modules() if isinstance(module, BasicBlock)]
    assert len(blocks) == 12
    for block in blocks:
        x = torch.randn(2, block.conv1.in_channels, 8, 8)
        torch.testing.assert_close(block(x), block.shortcut(x).relu())
    x = torch.randn(2, 8, 8, 8)
    assert not torch.allclose(BasicBlock(8, 8, 1, zero_init=False).eval()(x), x.relu())


def test_efficientnet_lite0_has_the_published_layout() -> None:
    network = build_classifier("efficientnet_lite0", 1000, 64).network
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert len(shapes) == 296
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_652_008
    assert shapes["_conv_stem.weight"] == (32, 3, 3, 3)
    assert shapes["_blocks.1._expand_conv.weight"] == (96, 16, 1, 1)
    assert shapes["_blocks.15._project_conv.weight"] == (320, 1152, 1, 1)
    assert shapes["_conv_head.weight"] == (1280, 320, 1, 1)
    whole = build_classifier("efficientnet_lite0", 7, 64, {"stem_stride": 1}).network.eval()
    sides: list[int] = []
    whole._conv_head.register_forward_hook(lambda *call: sides.append(call[2].shape[-1]))
    whole(torch.zeros(1, 3, 64, 64))
    assert sides == [4]


def test_checkpoints_hold_each_tensor_once() -> None:
    state = build_classifier("compact_resnet", 7, 32).state_dict()
    assert len({tensor.data_ptr() for tensor in state.values() if tensor.numel() > 1}) == len(
        [tensor for tensor in state.values() if tensor.numel() > 1]
    )


def test_embeddings_are_unit_vectors_and_logits_scaled_cosines() -> None:
    embedder = FaceEmbedder(build_classifier("compact_resnet", 16, 32, {"width": 8})).eval()
    network = CosineClassifier(embedder, 5).eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(embedder(images).norm(dim=1), torch.ones(3))
        assert network(images).abs().max() <= 16 + 1e-4


def test_rank1_by_hand() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.8, 0.2]])
    labels = torch.tensor([3, 5, 3, 5])
    gallery = torch.tensor([True, True, False, False])
    assert rank1_accuracy(embeddings, labels, gallery) == 0.5


@pytest.mark.parametrize("share", [True, False])
def test_rank1_without_gallery_or_probes_is_refused(share: bool) -> None:
    gallery = torch.full((4,), share)
    with pytest.raises(ConfigError, match="gallery images and probes"):
        rank1_accuracy(torch.eye(4), torch.arange(4), gallery)
