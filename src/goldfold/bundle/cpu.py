"""A bundle whose networks ONNX Runtime computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from goldfold.bundle.bundle import Bundle
from goldfold.errors import InputError
from goldfold.inference.sources import PreparedRows
from goldfold.metrics import Array
from goldfold.prediction.exports import write_onnx
from goldfold.prepare import PreparedSet
from goldfold.training.fitting import is_fitted_once

CLOSE = 1e-3
"""How far predictions may lie from those of the submission, in terms of their spread."""


def has_networks(bundle: Bundle) -> bool:
    """Return whether its models are networks: estimators are on the CPU already."""
    return not is_fitted_once(bundle.ensemble.folds[0].build_model())


def on_cpu(bundle: Bundle, prepared: PreparedSet, predicted: Array, folder: Path) -> tuple[Bundle, float]:
    """Write the networks of a run as ONNX to `folder`; return the bundle that predicts by these files, and its deviation.

    That is the largest between its predictions of the test rows and `predicted`, those of the run's submission, in terms of their
    spread. Raises InputError where it is more than 0.001, for masks, and for a network that cannot be written.
    """
    problem = bundle.problem
    problem.require_no_masks("goldfold bundle --cpu")
    folds = [replace(result, onnx=write_onnx(result, prepared, folder / result.place)) for result in bundle.ensemble.folds]
    ensemble = replace(bundle.ensemble, folds=folds)
    apart = np.abs(ensemble.predict(PreparedRows(prepared, "test")) - predicted).max()
    deviation = float(apart / max(float(predicted.std()), 1e-12))
    if not deviation <= CLOSE:
        raise InputError(
            f"through ONNX {bundle.name} predicts other values than its submission has: by up to {deviation:.2g} of their spread",
            mend=f"train with train.precision: fp32 (this run: {folds[0].precision}), or leave out --cpu",
        )
    return replace(bundle, ensemble=ensemble), deviation
