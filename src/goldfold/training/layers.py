"""The layers of a network: their output shapes, and how many of their parameters are trained."""

from dataclasses import dataclass

import torch
from torch import nn

from goldfold.modalities.protocol import Inputs


@dataclass(frozen=True)
class Layer:
    """A layer: its path in the network, its output's shape for one row, and the numbers of its own parameters."""

    path: str
    kind: str
    shape: tuple[int, ...]
    trainable: int
    frozen: int


@torch.no_grad()
def list_layers(model: nn.Module, inputs: Inputs) -> list[Layer]:
    """List the layers that a batch passes, in that order, each once.

    Modules without parameters that only hold others are left out.
    """
    layers: dict[str, Layer] = {}
    paths = {layer: path for path, layer in model.named_modules()}

    def record(layer: nn.Module, _: object, output: object) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        shape = tuple(tensor.shape[1:]) if isinstance(tensor, torch.Tensor) else ()
        parameters = list(layer.parameters(recurse=False))
        trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
        total = sum(parameter.numel() for parameter in parameters)
        layers.setdefault(paths[layer], Layer(paths[layer], type(layer).__name__, shape, trainable, total - trainable))

    listed = [layer for layer in model.modules() if not list(layer.children()) or list(layer.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(record) for layer in listed]
    training = model.training
    try:
        model.eval()(**inputs)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return list(layers.values())
