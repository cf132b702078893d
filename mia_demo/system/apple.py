"""Apple's GPU: whether this torch can attack on it."""

import torch
import torch.nn.functional as F


def why_it_cannot_attack(device: str = "mps") -> str:
    """What torch has no kernel for there, with the remedy; empty if nothing is missing.

    torch 2.8 lacks the gradient of antialiased resizing, which an attack takes wherever a
    classifier sees another size than the prior makes (``attack.framing``).
    """
    images = torch.ones(1, 3, 4, 4, device=device, requires_grad=True)
    try:
        F.interpolate(images, size=(2, 2), mode="bilinear", antialias=True).sum().backward()
    except NotImplementedError:
        return (
            f"torch {torch.__version__} cannot compute an attack on Apple's GPU: it has no kernel "
            "for the gradient of antialiased resizing. Set PYTORCH_ENABLE_MPS_FALLBACK=1 to leave "
            "that step to the CPU, or update torch."
        )
    return ""
