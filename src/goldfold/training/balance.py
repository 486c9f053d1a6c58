"""The balance of the classes: weights in the loss, or how often rows are drawn."""

import numpy as np
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import TrainConfig
from goldfold.errors import InputError
from goldfold.metrics import Array


def class_weights(train: TrainConfig, problem: Problem, truth: Array) -> torch.Tensor | None:
    """Return the weight of each class, or of each label's positives, that train.class_weights asks for.

    Balanced is n / (classes * rows of the class), as in scikit-learn; for a label, negatives / positives.
    """
    if train.class_weights is None:
        return None
    if problem.has_amounts:
        what = "masks are weighted by their loss" if problem.has_masks else "a regression has no classes"
        raise InputError(f"params.yaml, train.class_weights: {what}", mend="leave it out")
    labels = len(problem.outputs) if problem.task != "multiclass" else 0
    if train.class_weights != "balanced":
        wanted = labels or len(problem.classes)
        if len(train.class_weights) != wanted:
            of = ", ".join(problem.classes[-1:] if problem.task == "binary" else problem.outputs)
            raise InputError(
                f"params.yaml, train.class_weights has {len(train.class_weights)} values for {wanted}", mend=f"give one for: {of}"
            )
        return torch.tensor(train.class_weights)
    if labels:
        positives = truth.reshape(len(truth), -1).sum(axis=0)
        return torch.tensor(np.maximum(len(truth) - positives, 1) / np.maximum(positives, 1), dtype=torch.float32)
    counts = np.bincount(problem.class_of(truth), minlength=len(problem.classes))
    return torch.tensor(len(truth) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)


def counted_by(loss: nn.Module, targets: torch.Tensor) -> torch.Tensor | int:
    """Return what a loss's mean over these rows divides by: their number, or the weights of their classes."""
    weight = loss.weight if isinstance(loss, nn.CrossEntropyLoss) else None
    return len(targets) if weight is None or targets.is_floating_point() else weight[targets].sum()


def weigh(logits: torch.Tensor, weight: torch.Tensor) -> None:
    """Let each row of logits, (b, outputs, …), count in the gradient of whatever loss as its weight says, (b,).

    The gradient is that of the weighted mean, for any loss that is a mean over rows; the loss that is told is the plain mean.
    """
    logits.register_hook(lambda gradient: gradient * weight.reshape(-1, *[1] * (gradient.ndim - 1)))  # type: ignore[no-untyped-call]


def balanced_rows(problem: Problem, truth: Array) -> Array:
    """Return how often to draw each row, (n,), so that all classes are equally frequent."""
    if not problem.is_exclusive:
        raise InputError(
            f"params.yaml, train.sampling: balanced is for classes, and a {problem.task} task has none",
            mend="leave it out" + ("" if problem.task == "regression" else ", or use train.class_weights: balanced"),
        )
    classes = problem.class_of(truth)
    return np.asarray(1 / np.bincount(classes, minlength=len(problem.classes))[classes])
