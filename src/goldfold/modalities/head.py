"""The head of a network, on top of its backbone's features."""

from collections import OrderedDict

from torch import nn

from goldfold.config import HeadConfig
from goldfold.imports import called, trusted


def build_head(config: HeadConfig, features: int, outputs: int, pool: nn.Module | None = None) -> nn.Module:
    """Build `pool` if given, for each hidden layer dropout, linear and activation, then dropout and the output layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if pool:
        layers["pool"] = pool
    activation = trusted(config.activation, ["torch.nn"], "model.head.activation", nn.Module) if config.hidden else None
    width = features
    for number, hidden in enumerate(config.hidden, start=1):
        if config.dropout:
            layers[f"drop{number}"] = nn.Dropout(config.dropout)
        layers[f"fc{number}"] = nn.Linear(width, hidden)
        layers[f"act{number}"] = called(activation, "model.head.activation")
        width = hidden
    if config.dropout:
        layers["drop"] = nn.Dropout(config.dropout)
    layers["fc"] = nn.Linear(width, outputs)
    return nn.Sequential(layers)
