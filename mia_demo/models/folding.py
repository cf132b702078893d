"""Batch normalisation of a frozen network, folded into the convolutions before it.

In evaluation mode y = g (conv(x) - m) / sqrt(v + e) + b is itself a convolution, with scaled
weights and a bias: one pass less over every feature map, forwards and backwards.
"""

import copy
from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from mia_demo.models.classifiers import Classifier


def fold_batch_norms(classifier: Classifier) -> Classifier:
    """A frozen copy for inference whose outputs are equal up to rounding.

    A normalisation stays where its input has other users or comes from no convolution (the first
    of a DenseNet's layers); all stay in a network that cannot be traced.
    """
    network = copy.deepcopy(classifier.network).eval().requires_grad_(False)
    for convolution, norm, name in _pairs(network):
        parent, _, child = name.rpartition(".")
        assert norm.running_mean is not None
        assert norm.running_var is not None
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, norm.running_mean, norm.running_var,
            norm.eps, norm.weight, norm.bias,
        )  # fmt: skip
        convolution.requires_grad_(False)
        setattr(network.get_submodule(parent), child, nn.Identity())
    return Classifier(network, classifier.num_classes, classifier.input_size).eval()


def with_weights_in(classifier: Classifier, dtype: torch.dtype) -> Classifier:
    """For calls under autocast to ``dtype``, which need not convert the weights each time.

    Normalisations keep their precision.
    """
    if dtype == torch.float32:
        return classifier
    copied = copy.deepcopy(classifier)
    for module in copied.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(dtype)
    return copied


def _pairs(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d, str]]:
    """Convolutions that feed a normalisation alone, that normalisation, and its name."""
    try:
        graph = fx.Tracer().trace(network)
    except (fx.proxy.TraceError, TypeError, ValueError):
        return []  # the data flow depends on values
    modules = dict(network.named_modules())
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    pairs = []
    for node in graph.nodes:
        norm = modules.get(node.target) if node.op == "call_module" else None
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
            continue
        source = node.args[0]
        convolution = modules.get(source.target) if source.op == "call_module" else None
        once = calls[node.target] == calls[source.target] == len(source.users) == 1
        if once and isinstance(convolution, nn.Conv2d):
            pairs.append((convolution, norm, str(node.target)))
    return pairs
