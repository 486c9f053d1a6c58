"""The one way from a fold's checkpoints to predictions."""

from goldfold.config import PredictConfig
from goldfold.inference.sources import Source
from goldfold.metrics import Array
from goldfold.modalities.estimator import Estimator
from goldfold.training import FoldResult
from goldfold.training.batches import plain_batches
from goldfold.training.device import find_compute_again
from goldfold.training.evaluation import predict_logits

OF_ESTIMATORS = 4096
"""Rows in a batch of an estimator, at least: each call starts its threads anew."""


def predict_fold(checkpoint: FoldResult, source: Source, config: PredictConfig) -> list[Array]:
    """Predict rows by each of a fold's checkpoints, as the rows are and changed by each transform of predict.tta.

    The first prediction is that of the best checkpoint on the rows as they are, which is what training judged. The same rows
    in the same batches give the same bits wherever they come from. Raises InputError as the source does.
    """
    compute = find_compute_again(checkpoint.precision)
    train = checkpoint.config.train
    batch_size = config.batch_size or train.micro_batch_size or train.batch_size
    views = [source.view(checkpoint, change) for change in (None, *config.tta)]
    predictions = []
    for model in checkpoint.build_models():
        model.to(compute.device)
        size = max(batch_size, OF_ESTIMATORS) if isinstance(model, Estimator) else batch_size
        for view in views:
            logits = predict_logits(model, plain_batches(view, source.rows, size), compute)
            predictions.append(checkpoint.codec.decode(logits))
    return predictions
