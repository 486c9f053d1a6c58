"""Evaluation of a model on labelled rows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from goldfold.metrics import Array
from goldfold.training.device import Compute
from goldfold.training.ranks import gathered
from goldfold.training.targets import TargetCodec


@dataclass(frozen=True)
class Evaluation:
    """A model's predictions of labelled rows, their score by the competition's metric, and the mean loss."""

    prediction: Array
    score: float
    loss: float


@torch.inference_mode()
def predict_logits(model: nn.Module, batches: Any, compute: Compute, shared: bool = False) -> torch.Tensor:
    """Return the logits of the rows of `batches`, in the order of the rows' numbers, (n, outputs) float32 on the CPU.

    If `shared`, each rank has a part of the batches, and all get the logits of all rows.
    """
    model.eval()
    numbers, logits = [], []
    for rows, inputs in batches:
        numbers.append(rows)
        with compute.autocast():
            logits.append(model(**{name: compute.to_device(tensor) for name, tensor in inputs.items()}).float())
    if shared:
        read = gathered([*zip(numbers, (part.cpu() for part in logits), strict=True)])
        numbers, logits = (list(parts) for parts in zip(*read, strict=True))
    return torch.cat(logits).cpu()[torch.cat(numbers).argsort()]


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
    logits = predict_logits(model, batches, compute, shared)
    prediction = codec.decode(logits)
    with torch.inference_mode():
        mean_loss = float(loss.cpu()(logits, codec.encode(codec.problem.truth(table))))
    loss.to(compute.device)
    return Evaluation(prediction, codec.problem.score_rows(table, prediction), mean_loss)
