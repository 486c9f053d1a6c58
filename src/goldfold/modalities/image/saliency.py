"""Where a network looks."""

from collections.abc import Iterator

import torch
from torch import nn

from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs

LEAST = 4
"""The least number of cells along each side of a feature map."""


def heat_maps(model: nn.Module, inputs: Inputs, directions: torch.Tensor, within: nn.Module | None = None) -> Array | None:
    """Return Grad-CAM of the last feature map of at least 4 x 4 cells (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391).

    `directions`, (b, outputs) float32, weights the logits whose sum is explained; the map is one of the backbone of `within`, by
    default the model. Returns (b, height, width) float32 from 0 to 1; None for a network without such a map, as a transformer.
    """
    backbone: nn.Module = (model if within is None else within).backbone  # type: ignore[assignment]
    # Where timm's networks have their channels.
    channel = -1 if getattr(backbone, "output_fmt", "NCHW") == "NHWC" else 1
    last: list[torch.Tensor] = []

    def keep(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and _side(output, channel) >= LEAST:
            last[:] = [output]

    hooks = [stage.register_forward_hook(keep) for stage in _stages(backbone)]
    try:
        with torch.enable_grad():
            logits = model.eval()(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if not last or last[0].ndim != 4 or not last[0].requires_grad:
        return None
    (slopes,) = torch.autograd.grad((logits * directions).sum(), last[0], allow_unused=True)
    if slopes is None:
        return None
    spatial = (1, 2) if channel == -1 else (2, 3)
    heat = (slopes.mean(dim=spatial, keepdim=True) * last[0].detach()).sum(dim=channel).clamp(min=0).float()
    return (heat / heat.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)).cpu().numpy()


def _side(output: torch.Tensor, channel: int) -> int:
    """Return the number of cells along the shorter side of a feature map, or of a square of as many tokens."""
    if output.ndim == 4:
        return min(output.shape[1:3] if channel == -1 else output.shape[2:])
    return int(output.shape[1] ** 0.5) if output.ndim == 3 else 0


def _stages(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that compute the features one after another; modules inside a block may be its branches."""
    for child in module.children():
        yield child
        if isinstance(child, nn.Sequential | nn.ModuleList):
            yield from _stages(child)
