"""The one way from a fold's checkpoints to predictions."""

from goldfold.config import PredictConfig
from goldfold.inference.onnx_network import OnnxNetwork
from goldfold.inference.sources import Source
from goldfold.metrics import Array
from goldfold.modalities.estimator import Estimator
from goldfold.modalities.frozen import FrozenModel
from goldfold.training import FoldResult
from goldfold.training.batches import plain_batches
from goldfold.training.device import find_compute_again
from goldfold.training.evaluation import predict_rows
from goldfold.training.frozen import batch_of, read_view

OF_ESTIMATORS = 4096
"""Rows in a batch of an estimator, at least: each call starts its threads anew."""


def predict_fold(checkpoint: FoldResult, source: Source, config: PredictConfig) -> list[Array]:
    """Predict rows by each of a fold's checkpoints, as the rows are and changed by each transform of predict.tta.

    The first prediction is that of the best checkpoint on the rows as they are, which is what training judged. The same rows
    in the same batches give the same bits wherever they come from. Raises InputError as the source does.
    """
    compute = find_compute_again(checkpoint.precision)
    batch_size = config.batch_size or batch_of(checkpoint.config)
    changes = (None, *config.tta)
    views = [source.view(checkpoint, change) for change in changes]
    predictions = []
    models = map(OnnxNetwork, checkpoint.onnx) if checkpoint.onnx else checkpoint.build_models()
    for model in models:
        model.to(compute.device)
        size = max(batch_size, OF_ESTIMATORS) if isinstance(model, Estimator) else batch_size
        for change, view in zip(changes, views, strict=True):
            if isinstance(model, FrozenModel):
                table = source.features(checkpoint, model, change, batch_size, compute)
                view = read_view(model, view, table, (source.together, source.rows), batch_size, compute)
            predictions.append(predict_rows(model, plain_batches(view, source.rows, size), checkpoint.codec, compute))
    return predictions
