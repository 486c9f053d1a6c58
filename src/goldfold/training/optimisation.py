"""The optimiser, by its name in params.yaml."""

import inspect

import torch
from torch import nn

from goldfold.config import FinetuneConfig, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named, nearest
from goldfold.training.finetune import parameter_groups


def build_optimizer(
    config: TrainConfig, finetune: FinetuneConfig, model: nn.Module, beside: nn.Module | None = None
) -> torch.optim.Optimizer:
    """Build the optimiser over the groups of `finetune`, by timm's factory; your own is called with (groups, lr, **args).

    A layer `beside` the model's head is trained as the head is.
    """
    component, groups = config.optimizer, parameter_groups(model, finetune, config.lr, config.weight_decay, beside)
    if ":" in component.name:
        factory = named(component.name, [], "train.optimizer.name")
        own: torch.optim.Optimizer = called(factory, "train.optimizer", groups, lr=config.lr, **component.args)
        return own
    from timm.optim import create_optimizer_v2, get_optimizer_class, list_optimizers

    names = list_optimizers()
    name = component.name.lower()
    if name not in names:
        raise InputError(
            f"params.yaml, train.optimizer.name: timm has no optimiser {component.name}{nearest(name, names)}",
            mend=f"give one of {', '.join(names[:12])}, …",
        )
    kind = get_optimizer_class(name, bind_defaults=False)
    # A fused step is one kernel instead of several per parameter; SGD's fails if a parameter joins in later.
    joins_later = finetune.head_epochs or finetune.unfreeze_every
    fused = "fused" in inspect.signature(kind).parameters and not (joins_later and issubclass(kind, torch.optim.SGD))
    options = {"opt": name, "lr": config.lr, **({"fused": True} if fused else {}), **component.args}
    built: torch.optim.Optimizer = called(create_optimizer_v2, "train.optimizer", groups, **options)
    return built
