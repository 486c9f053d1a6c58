"""The model of a run as MLflow's python_function, from the bytes of image files to predictions.

MLflow calls `_load_pyfunc` with the folder that a FoldResult was saved to.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.prediction.files import FilePredictor
from goldfold.training import FoldResult


class ImageFunction:
    """Predicts a table with the column `image`: the bytes of a file, or a text of them in base64."""

    def __init__(self, result: FoldResult) -> None:
        self.predictor = FilePredictor([result])

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The predicted label, where there are classes, and a column for each of Problem.outputs."""
        problem = self.predictor.problem
        prediction = self.predictor.predict(list(_contents(model_input)))
        table = problem.table(prediction)
        if problem.is_exclusive:
            table.insert(0, "label", [str(label) for label in problem.labels(prediction)])
        return table


def _contents(model_input: Any) -> Iterator[bytes]:
    column = model_input["image"] if isinstance(model_input, pd.DataFrame | dict) else np.ravel(model_input)
    for value in column:
        yield base64.b64decode(value) if isinstance(value, str) else bytes(value)


def _load_pyfunc(path: str) -> ImageFunction:
    return ImageFunction(FoldResult.load(Path(path)))
