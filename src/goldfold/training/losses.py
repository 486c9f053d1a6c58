"""Losses that neither torch nor timm has. Those they have (timm's asymmetric ones among them) are named in params.yaml."""

import torch
from torch import nn


class FocalLoss(nn.Module):
    """Cross-entropy that counts a row the less, the surer it is right: (1 - p)^gamma times the loss, as a mean.

    Lin et al. 2017, https://arxiv.org/abs/1708.02002. Targets are class indices (b,) int64, or probabilities as wide as
    the logits, (b, outputs) float32. If `exclusive` they are of classes that exclude each other (goldfold says so for a
    multiclass task), else each output is a label of its own. `weight`, (outputs,), weighs the classes, or a label's positives.
    """

    weight: torch.Tensor | None

    def __init__(self, gamma: float = 2.0, weight: torch.Tensor | None = None, exclusive: bool = True) -> None:
        super().__init__()
        if gamma < 0:
            raise ValueError(f"gamma is {gamma}, and must be at least 0")
        self.gamma, self.exclusive = gamma, exclusive
        self.register_buffer("weight", weight)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.exclusive:
            if not target.is_floating_point():
                target = nn.functional.one_hot(target, logits.shape[1]).to(logits.dtype)
            log = logits.log_softmax(dim=1)
            weight = 1.0 if self.weight is None else self.weight
            return -(weight * target * (1 - log.exp()) ** self.gamma * log).sum(dim=1).mean()
        right, wrong = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
        weight = 1.0 if self.weight is None else self.weight
        positive = weight * target * wrong.exp() ** self.gamma * right
        negative = (1 - target) * right.exp() ** self.gamma * wrong
        return -(positive + negative).mean()
