"""Auxiliary targets: columns of the training table that a network learns beside the targets, by a layer that is not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import FoldConfig
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.modalities.frozen import features_of, width_of
from goldfold.prepare import PreparedSet
from goldfold.training.batches import seed_everything
from goldfold.training.device import Compute
from goldfold.training.fold import Fold

KEY = "params.yaml, train.auxiliary"


@dataclass(frozen=True)
class AuxiliaryColumn:
    """A column as it is learned: the cells' standardised numbers, (n,) float32, or the codes, (n,) int64, of so many `classes`.

    `weights` says how much each cell counts in the loss, (n,) float32: 0 where it is missing.
    """

    classes: int
    values: torch.Tensor
    weights: torch.Tensor

    @property
    def outputs(self) -> int:
        """The number of the layer's outputs for it."""
        return self.classes or 1

    @property
    def width(self) -> int:
        """The number of columns of its targets."""
        return self.classes or 3

    def targets(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the loss of these rows is made of, (b, width), linearly: the loss of a mixed row is that of its parts."""
        weight, value = self.weights[rows, None], self.values[rows]
        if self.classes:
            return nn.functional.one_hot(value, self.classes) * weight
        return weight * torch.stack([torch.ones_like(value), value, value.square()], dim=1)

    def loss(self, answers: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the sum over rows of the cross entropy, or of the squared error, of answers (b, outputs)."""
        if self.classes:
            return -(targets * answers.log_softmax(dim=1)).sum()
        weight, value, square = targets.unbind(dim=1)
        answer = answers[:, 0]
        return (weight * answer.square() - 2 * value * answer + square).sum()


class Auxiliary(nn.Module):
    """A model, and beside its head a linear layer that answers the auxiliary columns from the same features."""

    def __init__(self, model: nn.Module, columns: Sequence[AuxiliaryColumn]) -> None:
        super().__init__()
        self.model, self.columns = model, columns
        self.layer = nn.Linear(width_of(model), sum(column.outputs for column in columns))

    @property
    def width(self) -> int:
        """The number of columns of the targets."""
        return sum(column.width for column in self.columns)

    def forward(self, **inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the model's logits, and the layer's answers, (b, outputs of all columns)."""
        features = features_of(self.model)(**inputs)
        # Where the head pools a map of features, the layer reads its mean.
        pooled = features.flatten(2).mean(dim=2) if features.ndim > 2 else features
        return self.model.head(features), self.layer(pooled)  # type: ignore[operator]

    def targets(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the targets of all columns, (b, width), for rows of the training table."""
        return torch.cat([column.targets(rows) for column in self.columns], dim=1)

    def loss(self, answers: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the sum over rows and columns of the weighted losses."""
        each = zip(
            self.columns,
            torch.split(answers.float(), [column.outputs for column in self.columns], dim=1),
            torch.split(targets, [column.width for column in self.columns], dim=1),
            strict=True,
        )
        return torch.stack([column.loss(*of_column) for column, *of_column in each]).sum()


def require_features(model: nn.Module, config: FoldConfig) -> None:
    """Raise InputError if there are auxiliary columns and the model has no features and head that could learn them."""
    head = getattr(model, "head", None)
    shares = head is not None and list(head.parameters()) and hasattr(model, "features") and hasattr(model, "num_features")
    if config.train.auxiliary and not shares:
        raise InputError(
            f"{KEY}: {config.model.name} has no features and head of its own for a layer to learn them by",
            mend="leave it out, or choose a network of images, sounds, texts, columns (mlp) or several of them; estimators, "
            "networks of masks and your own modules have none",
        )


def build_auxiliary(fold: Fold, model: nn.Module, compute: Compute) -> Auxiliary:
    """Build the layer beside a model's head, which depends on the seed and the fold alone, and the columns of train.auxiliary.

    Raises InputError for a model without features, and for columns that cannot be learned.
    """
    require_features(model, fold.config)
    rows = np.ones(len(fold.prepared.train)) if fold.weights is None else fold.weights
    columns = [
        encoded(_read(fold.prepared, name), fold.training_rows, weight * rows, compute)
        for name, weight in fold.config.train.auxiliary.items()
    ]
    seed_everything(fold.seed, fold.number)
    built = Auxiliary(model, columns)
    built.layer.to(compute.device)
    return built


def encoded(cells: pd.Series, training: Any, weights: Any, compute: Compute) -> AuxiliaryColumn:
    """Encode a column by its cells in the `training` rows; `weights` says how much each row counts, (n,).

    A missing cell counts nothing, and the others for as many more as are missing in the training rows.
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        numbers = cells.to_numpy(np.float64, na_value=np.nan)
        known, learned = np.isfinite(numbers), numbers[training][np.isfinite(numbers[training])]
        mean, deviation = (learned.mean(), learned.std()) if len(learned) else (0.0, 0.0)
        values, classes = np.where(known, (numbers - mean) / (deviation or 1.0), 0.0).astype(np.float32), 0
    else:
        labels = pd.Index(cells.iloc[training].dropna().unique())
        codes = labels.get_indexer(pd.Index(cells))
        known, values, classes = codes >= 0, np.maximum(codes, 0), max(len(labels), 1)
    share = known[training].mean()
    counts = known * weights / (share or 1.0)
    moved = (compute.to_device(torch.from_numpy(each)) for each in (values, counts.astype(np.float32)))
    return AuxiliaryColumn(classes, *moved)


def _read(prepared: PreparedSet, name: str) -> pd.Series:
    """Return a column of the training table; raises InputError for one that is not there, or cannot be learned."""
    table = prepared.train
    others = [column for column in map(str, table) if _why_not(prepared, column) is None]
    why = _why_not(prepared, name) if name in table else "the training table has no such column"
    if why:
        raise InputError(
            f"{KEY}: {name}: {why}{nearest(name, others)}",
            mend=f"give columns of numbers or categories; there are {', '.join(others[:20]) or 'none beside the target'}",
        )
    return table[name]


def _why_not(prepared: PreparedSet, name: str) -> str | None:
    """Return why a column cannot be learned beside the targets, if it cannot."""
    problem: Problem = prepared.problem
    column, cells = prepared.schema.column(name), prepared.train[name]
    if name in problem.targets:
        return "it is the target"
    if name in (problem.id, problem.answer_id, *problem.keys):
        return "it is an id"
    if pd.api.types.is_datetime64_any_dtype(cells) or pd.api.types.is_timedelta64_dtype(cells):
        return "it is a date or a time"
    return "it is free text" if column is not None and column.kind == "text" else None
