"""The networks of torchvision that timm lacks, such as alexnet, as backbones."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from goldfold.errors import InputError
from goldfold.imports import called

DATA = {"input_size": (3, 224, 224), "interpolation": "bilinear"}
"""What torchvision trains them on; the mean and deviation are ImageNet's, timm's default."""
ARGS: Mapping[str, Mapping[str, Any]] = {"googlenet": {"aux_logits": False, "init_weights": False}}
"""Arguments without which a network returns more than logits."""


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classifiers."""
    from torchvision import models

    return list(models.list_models(module=models))


def torchvision_backbone(name: str, channels: int, args: Mapping[str, Any]) -> nn.Module:
    """Build a network of torchvision without its last linear layer, so that it returns features.

    Raises InputError for refused arguments, for other than 3 channels, and for a network that ends in no linear layer.
    """
    from torchvision import models

    if channels != 3:
        raise InputError(
            f"params.yaml, model.name: {name} of torchvision reads 3 channels, not {channels}",
            mend="set prepare.channels: 3, or name a backbone of timm",
        )
    builder = models.get_model_builder(name)
    network: nn.Module = called(builder, "model.args", **{"weights": None, **ARGS.get(name, {}), **args})
    path, last = list(network.named_modules())[-1]
    if not isinstance(last, nn.Linear):
        raise InputError(f"params.yaml, model.name: {name} does not end in a linear layer", mend="name another network")
    parent, _, child = path.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network
