"""The layers of a network: what each gives, and how many of its parameters are trained."""

from dataclasses import dataclass

import torch
from torch import nn

from goldfold.modalities.protocol import Inputs


@dataclass(frozen=True)
class Layer:
    """A layer: its path in the network, the shape that it gives for one row, and the parameters that are its own."""

    path: str
    kind: str
    shape: tuple[int, ...]
    trainable: int
    frozen: int


@torch.no_grad()
def list_layers(model: nn.Module, inputs: Inputs) -> list[Layer]:
    """List the layers that a batch passes, in its order, each once, with their parameters as they are set to be trained.

    Modules that only hold others are left out.
    """
    layers: dict[str, Layer] = {}
    paths = {layer: path for path, layer in model.named_modules()}

    def note(layer: nn.Module, _: object, output: object) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        shape = tuple(tensor.shape[1:]) if isinstance(tensor, torch.Tensor) else ()
        parameters = list(layer.parameters(recurse=False))
        trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
        total = sum(parameter.numel() for parameter in parameters)
        layers.setdefault(paths[layer], Layer(paths[layer], type(layer).__name__, shape, trainable, total - trainable))

    own = [layer for layer in model.modules() if not list(layer.children()) or list(layer.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(note) for layer in own]
    training = model.training
    try:
        model.eval()(**inputs)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return list(layers.values())
