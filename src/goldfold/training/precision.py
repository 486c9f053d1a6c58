"""The rule that train.precision: auto chooses by: what the device can do, and the network's own arithmetic."""

import torch
from torch import nn

from goldfold.modalities.protocol import Inputs, View
from goldfold.training.device import Compute, Precision, find_compute, find_device, lower_precision

LEAST_MULTIPLY_ADDS = 100e6
"""The multiply-adds of a row's forward pass from which a CPU's half precision is worth its conversions."""
LEAST_INTENSITY = 30
"""The multiply-adds per value that a layer writes, from which a network is bound by arithmetic rather than by memory: those of
dense convolutions and linear layers have 40 to 200, those of depthwise convolutions 11 to 29 (the table is in docs/speed.md)."""


def choose_compute(asked: Precision | str, model: nn.Module, view: View) -> Compute:
    """The device that there is, in the precision that is asked for; for `auto` in the one that the rule gives.

    A GPU takes its half precision; a CPU that is fast in bf16 takes it for networks with much arithmetic, most of it dense; all
    else is fp32. `view` gives the rows that the model reads.
    """
    if asked != "auto":
        return find_compute(asked)  # type: ignore[arg-type]
    device = find_device()
    lower = lower_precision(device)
    if lower is None or device.type == "cuda":
        return find_compute(lower or "fp32")
    longest = 0 if view.lengths is None else int(view.lengths.argmax())
    multiply_adds, values = arithmetic(model, view.__getitems__([(0, longest)])[1])
    worth = multiply_adds >= LEAST_MULTIPLY_ADDS and multiply_adds >= LEAST_INTENSITY * values
    return find_compute(lower if worth else "fp32")


@torch.no_grad()
def arithmetic(model: nn.Module, inputs: Inputs) -> tuple[float, int]:
    """The multiply-adds of a forward pass, and the number of values that the layers write, on the CPU."""
    # It imports triton, which takes longer than all of goldfold's training.
    from torch.utils.flop_counter import FlopCounterMode

    values = 0

    def count(layer: nn.Module, _: object, output: object) -> None:
        nonlocal values
        if isinstance(output, torch.Tensor) and not list(layer.children()):
            values += output.numel()

    hooks = [layer.register_forward_hook(count) for layer in model.modules()]
    try:
        with FlopCounterMode(display=False) as counter:
            model.eval()(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return counter.get_total_flops() / 2, values
