"""What a fold's models predict of rows: the same for out-of-fold rows and the test set."""

import contextlib
import warnings

import torch
from torch import nn

from goldfold.config import PredictConfig
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part
from goldfold.training import FoldResult
from goldfold.training.batches import plain_batches
from goldfold.training.device import DTYPES, Compute, find_compute_again
from goldfold.training.evaluate import predict_logits


def predict_rows(prepared: PreparedSet, result: FoldResult, part: Part, rows: Array, config: PredictConfig) -> list[Array]:
    """The predictions of a table's rows by each checkpoint of a fold, as they are and changed by each transform of predict.tta.

    Raises InputError for a transform that is refused.
    """
    compute, predictions = find_compute_again(result.precision), []
    for built in result.build_models():
        model = _quickened(built.eval(), compute)
        for change in (None, *config.tta):
            view = result.modality.plain_view(prepared, part, result.spec, change)
            batches = plain_batches(view, rows, config.batch_size or result.config.train.batch_size)
            predictions.append(result.codec.decode(predict_logits(model, batches, compute)))
    return predictions


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
