"""Predicting rows from outside the competition with the models of a run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from goldfold.imports import modality_part
from goldfold.inference.averaging import average
from goldfold.metrics import Array
from goldfold.modalities.protocol import Outside
from goldfold.training import FoldResult
from goldfold.training.device import find_compute_again
from goldfold.training.evaluate import predict_logits


class OutsidePredictor:
    """The models of one or more folds, which predict rows and average."""

    def __init__(self, folds: Sequence[FoldResult]) -> None:
        self.folds = folds
        self.problem = folds[0].codec.problem
        self.outside: Outside = modality_part(self.problem.modality, "outside")
        self.compute = find_compute_again(folds[0].precision)
        self.models = [fold.build_model().to(self.compute.device) for fold in folds]

    def predict(self, table: pd.DataFrame) -> Array:
        """Predictions in the shape that metrics take, one per row; raises ValueError for a row that cannot be read."""
        predictions = []
        for fold, model in zip(self.folds, self.models, strict=True):
            rows = range(len(table))
            batches = [(torch.tensor([row]), self.outside.read_rows(table.iloc[[row]], fold.spec)) for row in rows]
            predictions.append(fold.codec.decode(predict_logits(model, batches, self.compute)))
        return average(self.problem, np.stack(predictions))


def predict_outside(folds: Sequence[FoldResult], table: pd.DataFrame) -> tuple[list[str], Array, list[str]]:
    """Predict rows one by one; return the names of those that can be read, their predictions, and why the others cannot."""
    predictor = OutsidePredictor(folds)
    names, predictions, bad = [], [], []
    for row, name in enumerate(table.index):
        try:
            predictions.append(predictor.predict(table.iloc[[row]])[0])
            names.append(str(name))
        except (OSError, ValueError) as error:
            bad.append(f"{name}: {error}")
    return names, np.array(predictions), bad
