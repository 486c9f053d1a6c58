"""What a timm backbone, or the competitor's own network, says about its parameters and its pretrained weights."""

from typing import Any

from torch import nn

from goldfold.errors import InputError
from goldfold.imports import nearest, refused
from goldfold.modalities.image.torchvision_models import DATA, torchvision_names


def depths_of(backbone: nn.Module, coarse: bool) -> dict[str, int]:
    """Return how deep each parameter of `backbone.…` lies, from 0 at the input up: by stage if `coarse`, else by layer.

    In the competitor's own module the children, except one called head, count in their order.
    """
    matcher: Any = getattr(backbone, "group_matcher", None)
    if matcher is None:
        children = {name: depth for depth, (name, _) in enumerate(backbone.named_children())}
        names = (name for name, _ in backbone.named_parameters() if not name.startswith("head."))
        return {f"backbone.{name}": children.get(name.split(".")[0], 0) for name in names}
    from timm.models import group_parameters

    layers = group_parameters(backbone, matcher(coarse=coarse), reverse=True)
    return {f"backbone.{name}": int(depth) for name, depth in layers.items()}


def without_decay(backbone: nn.Module) -> set[str]:
    """Return the parameters of `backbone.…` that the backbone's authors exempt from weight decay."""
    exempt: Any = getattr(backbone, "no_weight_decay", set)
    return {f"backbone.{name}" for name in exempt()}


def pretrained_cfg(name: str) -> dict[str, Any]:
    """Return what a backbone was pretrained with; raises InputError for one that neither timm nor torchvision has."""
    import timm

    if not timm.is_model(name):
        others = torchvision_names()
        if name in others:
            return dict(DATA)
        raise InputError(
            f"params.yaml, model.name: timm and torchvision have no model {name}{nearest(name, [*timm.list_models(), *others])}",
            mend="give a name that timm.list_models() or torchvision.models.list_models() holds",
        )
    with refused(f"params.yaml, model.name: timm does not know {name}", "give a name that timm.list_models() holds"):
        cfg = timm.models.get_pretrained_cfg(name)
    return cfg.to_dict() if cfg else {}
