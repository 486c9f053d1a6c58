"""Which parameters are trained, from which epoch, at which share of the learning rate."""

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from goldfold.config import FinetuneConfig
from goldfold.errors import InputError


def parameter_groups(
    model: nn.Module, finetune: FinetuneConfig, lr: float, weight_decay: float, beside: nn.Module | None = None
) -> list[dict[str, Any]]:
    """Return the optimiser's groups: one for each learning rate and weight decay; a layer `beside` the head is trained as it is.

    The rate falls by finetune.layer_decay with each layer below the head (Clark et al. 2020, ELECTRA; timm's
    param_groups_layer_decay); norms, biases and what the backbone's authors exempt take finetune.norm_weight_decay.
    """
    depths, head = _depths(model, coarse=False)
    exempt: Any = getattr(model, "no_weight_decay", set)
    free = exempt()
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    more = () if beside is None else beside.named_parameters("beside")
    for name, parameter in (*model.named_parameters(), *more):
        rate = lr * (finetune.layer_decay or 1.0) ** (head - depths.get(name, head))
        light = parameter.ndim <= 1 or name.endswith(".bias") or name in free
        decay = finetune.norm_weight_decay if light else weight_decay
        group = groups.setdefault((rate, decay), {"params": [], "lr": rate, "weight_decay": decay})
        group["params"].append(parameter)
    return list(groups.values())


def set_trainable(model: nn.Module, finetune: FinetuneConfig, epoch: int) -> None:
    """Put the model into training mode, except what is frozen in this epoch, which keeps its weights and statistics."""
    depths, head = _depths(model, coarse=True)
    first = _first_trained(finetune, epoch, head)
    norms = {module for module in _backbone(model).modules() if isinstance(module, _BatchNorm) and finetune.freeze_batch_norm}
    frozen = {parameter for module in norms for parameter in module.parameters()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depths.get(name, head) >= first and parameter not in frozen)
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if module in norms or (parameters and not any(parameter.requires_grad for parameter in parameters)):
            module.eval()


def require_head(model: nn.Module, finetune: FinetuneConfig) -> None:
    """Raise InputError if finetune trains the head alone and the model has no head."""
    parts = finetune.train == "head" or finetune.head_epochs or finetune.unfreeze_every
    depths, _ = _depths(model, coarse=True)
    if parts and all(name in depths for name, _ in model.named_parameters()):
        raise InputError(
            "params.yaml, finetune: your own module has no part called head to train alone",
            mend="name its last layers self.head, or leave out train: head, head_epochs and unfreeze_every",
        )


def trains_head_alone(model: nn.Module) -> bool:
    """Return whether the model's part `head` alone is trained while the backbone is frozen."""
    depths, _ = _depths(model, coarse=True)
    return all(name in depths or name.startswith("head.") for name, _ in model.named_parameters())


def _first_trained(finetune: FinetuneConfig, epoch: int, head: int) -> int:
    """Return the depth from which on parameters are trained."""
    if finetune.train == "head" or epoch < finetune.head_epochs:
        return head
    if finetune.unfreeze_every is None:
        return 0
    joined = (epoch - finetune.head_epochs) // finetune.unfreeze_every + (1 if finetune.head_epochs else 0)
    return max(0, head - joined)


def _depths(model: nn.Module, coarse: bool) -> tuple[dict[str, int], int]:
    """Return the depth of each of the backbone's parameters, from 0 at the input up, and the head's, above them all."""
    own: Any = getattr(model, "depths", None)
    depths = own(coarse) if own else {name: 0 for name, _ in model.named_parameters() if not name.startswith("head.")}
    return depths, 1 + max(depths.values(), default=-1)


def _backbone(model: nn.Module) -> nn.Module:
    return getattr(model, "backbone", model)
