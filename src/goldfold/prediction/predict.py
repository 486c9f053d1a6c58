"""FoldResults → Submission."""

import contextlib
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn

from goldfold.config import PredictConfig
from goldfold.prediction.submission import Submission
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult
from goldfold.training.batches import plain_batches
from goldfold.training.device import DTYPES, Compute, find_compute_again
from goldfold.training.evaluate import average, predict_logits
from goldfold.validation.postprocess import Steps


def predict(prepared: PreparedSet, folds: Sequence[FoldResult], config: PredictConfig, postprocess: Steps = ()) -> Submission:
    """Predict the test set by every fold, as it is and changed by each transform of predict.tta, and average.

    `postprocess` are the steps that validate fitted to out-of-fold rows. Raises InputError for a fold of another prepared set,
    and for a transform that is refused.
    """
    problem = prepared.problem
    rows, predictions = np.arange(len(prepared.test)), []
    for result in folds:
        result.require_prepared(prepared)
        compute = find_compute_again(result.precision)
        model = _quickened(result.build_model().eval(), compute)
        for change in (None, *config.tta):
            view = result.modality.plain_view(prepared, "test", result.spec, change)
            batches = plain_batches(view, rows, config.batch_size or result.config.train.batch_size)
            predictions.append(result.codec.decode(predict_logits(model, batches, compute)))
    averaged = average(problem, np.stack(predictions), config.average)
    ids = prepared.test[[problem.id, *([problem.answer_id] if problem.answer_id else [])]]
    return Submission(problem, prepared.sample, pd.concat([ids, problem.table(averaged)], axis=1), postprocess)


def _quickened(model: nn.Module, compute: Compute) -> nn.Module:
    """The network with plain batch norms folded into the convolutions before them, where torch.fx can trace it.

    Weights that autocast would convert for each batch are converted once, to the same numbers.
    """
    with warnings.catch_warnings():
        # It imports parts of torch that call themselves deprecated.
        warnings.simplefilter("ignore")
        from torch.fx.experimental.optimization import fuse
    # A network of any author may raise anything when it is traced; it predicts as it is then.
    with contextlib.suppress(Exception):
        model = fuse(model).to(memory_format=torch.channels_last)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.to(DTYPES.get(compute.precision, torch.float32))
    return model.to(compute.device)
