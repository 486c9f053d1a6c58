"""The model of a run as MLflow's python_function, from rows as they are outside the competition to predictions.

MLflow calls `_load_pyfunc` with the folder that a FoldResult was saved to.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.prediction.outside import OutsidePredictor
from goldfold.training import FoldResult


class Function:
    """Predicts a table of rows: for images, the column `image` with the bytes of a file, or a text of them in base64."""

    def __init__(self, result: FoldResult) -> None:
        self.predictor = OutsidePredictor([result])
        self.columns = list(self.predictor.outside.outside_columns(result.spec))

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The predicted label, where there are classes, and a column for each of Problem.outputs."""
        problem = self.predictor.problem
        given = model_input if isinstance(model_input, pd.DataFrame | dict) else {self.columns[0]: np.ravel(model_input)}
        prediction = self.predictor.predict(pd.DataFrame(given))
        table = problem.table(prediction)
        if problem.is_exclusive:
            table.insert(0, "label", [str(label) for label in problem.labels(prediction)])
        return table


def _load_pyfunc(path: str) -> Function:
    return Function(FoldResult.load(Path(path)))
