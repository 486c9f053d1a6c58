"""The models of a run as MLflow's python_function, from rows as they are outside the competition to its answers.

MLflow calls `_load_pyfunc` with the folder that an Ensemble was saved to.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import OutsideRows


class Function:
    """Predicts a table of rows: for images, the column `image` with the bytes of a file, or a text of them in base64."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        outside = modality_part(ensemble.problem.modality, "outside")
        self.columns = list(outside.outside_columns(ensemble.folds[0].spec))

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict the answers (see Ensemble.columns); raises InputError for rows that cannot be read."""
        table = model_input if isinstance(model_input, pd.DataFrame | dict) else {self.columns[0]: np.ravel(model_input)}
        rows = OutsideRows(pd.DataFrame(table))
        answers = self.ensemble.answers(rows)
        if rows.unreadable:
            reasons = [f"row {row}: {reason}" for row, reason in rows.unreadable.items()]
            raise InputError(f"{len(reasons)} of {len(answers)} rows cannot be read", reasons, "replace them, or leave them out")
        return answers


def _load_pyfunc(path: str) -> Function:
    return Function(Ensemble.load(Path(path)))
