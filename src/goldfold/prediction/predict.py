"""FoldResults → Submission."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from goldfold.config import PredictConfig
from goldfold.inference.averaging import average
from goldfold.inference.postprocess import Steps
from goldfold.prediction.submission import Submission
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult
from goldfold.validation.inference import predict_rows


def predict(prepared: PreparedSet, folds: Sequence[FoldResult], config: PredictConfig, postprocess: Steps = ()) -> Submission:
    """Predict the test set by every checkpoint of every fold, as it is and changed by each transform of predict.tta, and average.

    `postprocess` are the steps that validate fitted to out-of-fold rows. Raises InputError for a fold of another prepared set,
    and for a transform that is refused.
    """
    problem, rows = prepared.problem, np.arange(len(prepared.test))
    ids = prepared.test[[problem.id, *([problem.answer_id] if problem.answer_id else [])]].reset_index(drop=True)
    members, by_fold = [], []
    for fold in dict.fromkeys(result.fold for result in folds):
        mine = []
        for result in folds:
            if result.fold == fold:
                result.require_prepared(prepared)
                mine += predict_rows(prepared, result, "test", rows, config)
        members += mine
        told = problem.table(average(problem, np.stack(mine), config.average)).astype(np.float32)
        by_fold.append(pd.concat([ids[[problem.id]], told], axis=1).assign(fold=fold))
    predictions = pd.concat([ids, problem.table(average(problem, np.stack(members), config.average))], axis=1)
    return Submission(problem, prepared.sample, predictions, postprocess, pd.concat(by_fold, ignore_index=True))
