"""Predict the test set: Ensemble → Submission."""

from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.config import REFIT
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows, Source
from goldfold.prediction.submission import Submission
from goldfold.prepare import PreparedSet


def predict(prepared: PreparedSet, ensemble: Ensemble, scratch: Path | None = None) -> Submission:
    """Predict the test set of a prepared set; features of frozen networks are kept in `scratch`.

    Raises InputError for a fold of another prepared set or a refused transform.
    """
    return submission_of(ensemble, PreparedRows(prepared, "test", scratch=scratch), prepared.test, prepared.sample)


def submission_of(ensemble: Ensemble, source: Source, test: pd.DataFrame, sample: pd.DataFrame) -> Submission:
    """Predict the rows of a source, those of the test table, and return the submission.

    What refits predict is of no fold: they have seen the validation rows of each.
    """
    problem, members = ensemble.problem, ensemble.predict_by_fold(source)
    ids = test[[problem.id, *([problem.answer_id] if problem.answer_id else [])]].reset_index(drop=True)
    by_fold = []
    for fold, predictions in members.items():
        if fold == REFIT:
            continue
        averaged = problem.table(ensemble.average(predictions))
        averaged = averaged if problem.has_masks else averaged.astype(np.float32)
        by_fold.append(pd.concat([ids[[problem.id]], averaged], axis=1).assign(fold=fold))
    averaged = problem.table(ensemble.average([member for predictions in members.values() for member in predictions]))
    table = pd.concat([ids, averaged], axis=1)
    return Submission(problem, sample, table, ensemble.postprocess, pd.concat(by_fold, ignore_index=True))
