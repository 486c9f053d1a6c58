"""Losses of masks, from logits (b, classes, height, width) and targets of that shape to the mean over the batch's images."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from goldfold.imports import called, named

SOURCES = ["torch.nn", "timm.loss", "goldfold.training.losses", "goldfold.training.mask_losses"]
"""The modules whose losses have a name of their own in params.yaml."""


class DiceLoss(nn.Module):
    """One minus the Dice of probabilities, of each image and class. Milletari, Navab and Ahmadi 2016, https://arxiv.org/abs/1606.04797.

    `smooth`, in pixels, is added to numerator and denominator, so that an empty mask can be learned.
    """

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        if smooth <= 0:
            raise ValueError(f"smooth must be above 0, not {smooth}")
        self.smooth = smooth

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        probability = logits.sigmoid()
        shared, whole = (probability * target).sum(dim=(2, 3)), (probability + target).sum(dim=(2, 3))
        return (1 - (2 * shared + self.smooth) / (whole + self.smooth)).mean()


class LovaszLoss(nn.Module):
    """The Lovász hinge of the IoU, of each image and class. Berman, Rannen Triki and Blaschko 2018, https://arxiv.org/abs/1705.08790."""

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        flat, truth = logits.flatten(2), target.flatten(2).round()
        errors, order = (1 - flat * (2 * truth - 1)).sort(dim=2, descending=True)
        right = truth.gather(2, order)
        whole = right.sum(dim=2, keepdim=True)
        jaccard = 1 - (whole - right.cumsum(dim=2)) / (whole + (1 - right).cumsum(dim=2))
        steps = torch.cat([jaccard[..., :1], jaccard[..., 1:] - jaccard[..., :-1]], dim=2)
        return (errors.relu() * steps).sum(dim=2).mean()


class SumLoss(nn.Module):
    """A weighted sum of losses, each by its name: `{BCEWithLogitsLoss: 1, LovaszLoss: 0.5}`, or with arguments
    `{FocalLoss: {weight: 1, gamma: 2}}`."""

    def __init__(self, losses: Mapping[str, Any]) -> None:
        super().__init__()
        if not losses:
            raise ValueError("losses names none")
        self.parts = nn.ModuleList()
        self.weights: list[float] = []
        for name, given in losses.items():
            args = dict(given) if isinstance(given, Mapping) else {"weight": given}
            self.weights.append(float(args.pop("weight", 1)))
            options = {"exclusive": False, **args} if name == "FocalLoss" else args
            self.parts.append(called(named(name, SOURCES, "train.loss.losses"), "train.loss.losses", **options))

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.stack([weight * part(logits, target) for weight, part in zip(self.weights, self.parts, strict=True)]).sum()


class DiceBCELoss(SumLoss):
    """The sum of DiceLoss and BCEWithLogitsLoss, weighted."""

    def __init__(self, dice: float = 1.0, bce: float = 1.0) -> None:
        super().__init__({"DiceLoss": dice, "BCEWithLogitsLoss": bce})
