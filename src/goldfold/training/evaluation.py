"""Evaluation of a model on labelled rows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from goldfold.metrics import Array
from goldfold.modalities.protocol import SIZE, TARGET, DenseView, Inputs, apart
from goldfold.training.device import Compute
from goldfold.training.ranks import gathered
from goldfold.training.targets import TargetCodec


@dataclass(frozen=True)
class Evaluation:
    """A model's predictions of labelled rows, their score by the competition's metric, and the mean loss."""

    prediction: Array
    score: float
    loss: float

    def measured(self, metric: str) -> dict[str, float]:
        """Return what the history holds of it: the loss, and the score by the metric's name."""
        return {} if self is UNJUDGED else {"valid_loss": self.loss, metric: self.score}


UNJUDGED = Evaluation(np.empty(0), math.nan, math.nan)
"""The evaluation of a model that no rows validate."""


@torch.inference_mode()
def predict_logits(model: nn.Module, batches: Any, compute: Compute, shared: bool = False) -> torch.Tensor:
    """Return the logits of the rows of `batches`, in the order of the rows' numbers, (n, outputs) float32 on the CPU.

    If `shared`, each rank has a part of the batches, and all get the logits of all rows.
    """
    model.eval()
    numbers, logits = [], []
    for rows, inputs in batches:
        numbers.append(rows)
        logits.append(_logits(model, inputs, compute))
    if shared:
        read = gathered([*zip(numbers, (part.cpu() for part in logits), strict=True)])
        numbers, logits = (list(parts) for parts in zip(*read, strict=True))
    return torch.cat(logits).cpu()[torch.cat(numbers).argsort()]


def predict_rows(model: nn.Module, batches: Any, codec: TargetCodec, compute: Compute) -> Array:
    """Return the predictions of the rows of `batches`, in the order of the rows' numbers."""
    if codec.is_dense:
        return _predict_dense(model, batches, codec, compute)[0]
    return codec.decode(predict_logits(model, batches, compute))


@torch.inference_mode()
def _predict_dense(
    model: nn.Module, batches: Any, codec: TargetCodec, compute: Compute, loss: nn.Module | None = None, shared: bool = False
) -> tuple[Array, float]:
    """Return the predictions of rows, in the order of their numbers, and with `loss` the mean of it.

    Each batch is compressed at once: the maps of all rows would not fit into memory.
    """
    model.eval()
    view: DenseView = batches.dataset
    parts: list[tuple[torch.Tensor, Array, float]] = []
    for rows, batch in batches:
        inputs, added = apart(batch)
        logits = _logits(model, inputs, compute)
        value = float(loss(logits, codec.encode_dense(compute.to_device(added[TARGET])))) if loss else 0.0
        parts.append((rows, codec.decode_dense(view.undone(logits), added[SIZE]), value))
    parts = gathered(parts) if shared else parts
    numbers = torch.cat([rows for rows, _, _ in parts])
    cells = np.concatenate([part for _, part, _ in parts])[numbers.argsort().numpy()]
    # In the order of the rows, so that the mean does not depend on the number of ranks.
    ordered = sorted(parts, key=lambda part: int(part[0][0]))
    return cells, sum(value * len(rows) for rows, _, value in ordered) / max(1, len(numbers))


def _logits(model: nn.Module, inputs: Inputs, compute: Compute) -> torch.Tensor:
    """Return the logits of a batch, float32, on the device."""
    with compute.autocast():
        logits: torch.Tensor = model(**{name: compute.to_device(tensor) for name, tensor in inputs.items()}).float()
    return logits


def evaluate(
    model: nn.Module,
    batches: Any,
    table: pd.DataFrame,
    codec: TargetCodec,
    loss: nn.Module,
    compute: Compute,
    shared: bool = False,
) -> Evaluation:
    """Predict the rows of `batches`, in their order the rows of `table`, and score them; see predict_logits for `shared`."""
    if codec.is_dense:
        prediction, mean_loss = _predict_dense(model, batches, codec, compute, loss.to(compute.device), shared)
        return Evaluation(prediction, codec.problem.score_rows(table, prediction), mean_loss)
    logits = predict_logits(model, batches, compute, shared)
    prediction = codec.decode(logits)
    with torch.inference_mode():
        mean_loss = float(loss.cpu()(logits, codec.encode(codec.problem.truth(table))))
    loss.to(compute.device)
    return Evaluation(prediction, codec.problem.score_rows(table, prediction), mean_loss)
