"""The rule of train.precision: auto, which depends on the device and on the network's operations."""

import torch
from torch import nn

from goldfold.modalities.protocol import Inputs, View, apart
from goldfold.training.device import Compute, Precision, find_compute, find_device, lower_precision

LEAST_MULTIPLY_ADDS = 100e6
"""The least number of multiply-adds of a row's forward pass for which a CPU's half precision is worth its conversions."""
LEAST_INTENSITY = 30
"""The least number of multiply-adds per value written for which a network is bound by arithmetic rather than by memory: networks
of dense convolutions and linear layers have 40 to 200, of depthwise convolutions 11 to 29 (the table is in docs/speed.md)."""


def choose_compute(asked: Precision | str, model: nn.Module, view: View) -> Compute:
    """Return this machine's device in the precision `asked`, or for `auto` in the one that suits the network.

    A GPU takes its half precision; a CPU that is fast in bf16 takes it for networks with many, mostly dense, operations; all
    else is fp32. `view` returns the rows that the model reads.
    """
    if asked != "auto":
        return find_compute(asked)  # type: ignore[arg-type]
    device = find_device()
    lower = lower_precision(device)
    if lower is None or device.type == "cuda":
        return find_compute(lower or "fp32")
    longest = 0 if view.lengths is None else int(view.lengths.argmax())
    multiply_adds, values = arithmetic(model, apart(view.__getitems__([(0, longest)])[1])[0])
    worth = multiply_adds >= LEAST_MULTIPLY_ADDS and multiply_adds >= LEAST_INTENSITY * values
    return find_compute(lower if worth else "fp32")


@torch.no_grad()
def arithmetic(model: nn.Module, inputs: Inputs) -> tuple[float, int]:
    """Return the multiply-adds of a forward pass on the CPU, and the number of values that the layers write."""
    # It imports triton, which takes long.
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
