"""Training a fold whose model is an estimator: fitted once, on all of its training rows."""

import time
from typing import Any

import numpy as np
import torch

from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.training.batches import plain_batches
from goldfold.training.evaluate import evaluate
from goldfold.training.fold_result import FoldResult
from goldfold.training.optimisation import build_loss
from goldfold.training.reporter import Plan, Reporter
from goldfold.training.setup import balanced_rows, class_weights
from goldfold.training.start import Start


def fit_fold(begun: Start, reporter: Reporter) -> FoldResult:
    """Fit the fold's estimator to its encoded targets and judge it; its history is one epoch.

    train.class_weights and train.sampling: balanced become weights of the rows. Raises InputError for what it refuses.
    """
    started = time.time()
    config, problem, rows = begun.config, begun.prepared.problem, begun.training_rows
    if begun.pseudo is not None:
        raise InputError(
            f"params.yaml, train.pseudo.soft: {config.model.name} learns classes, not probabilities", mend="set soft: false"
        )
    reporter.started(
        Plan(begun.name, 1, 1, len(rows), len(begun.validation_rows), problem.scored_by.name, str(begun.compute.device), "fp32")
    )
    view = begun.modality.training_view(begun.prepared, rows, begun.spec, config.augment, begun.seed, 1)
    _, inputs = view.__getitems__([(0, int(row)) for row in rows])
    targets = begun.codec.encode(begun.truth[rows])
    model: Any = begun.model
    model.fit(inputs, targets, _row_weights(begun), begun.seed)
    seconds = time.time() - started

    loss = build_loss(config.train, problem.task)
    with torch.inference_mode():
        train_loss = float(loss(model(**inputs), targets))
    plain = begun.modality.plain_view(begun.prepared, "train", begun.spec)
    batches = plain_batches(plain, begun.validation_rows, config.train.micro_batch_size or config.train.batch_size)
    judged = begun.require_numbers(
        evaluate(model, batches, begun.prepared.train.iloc[begun.validation_rows], begun.codec, loss, begun.compute), 0
    )
    history = {
        "epoch": 0,
        "train_loss": train_loss,
        "valid_loss": judged.loss,
        problem.scored_by.name: judged.score,
        "lr": 0.0,
        "rows_per_second": round(len(rows) / max(seconds, 1e-9), 1),
        "seconds": round(seconds, 3),
        "time": round(time.time(), 3),
    }
    reporter.epoch_ended(history, True)
    return begun.checkpoint(model, judged, 0, [history])


def _row_weights(begun: Start) -> Array | None:
    """A weight for each training row, (n,), with a mean of 1; nothing where params.yaml asks for none."""
    train, problem, truth = begun.config.train, begun.prepared.problem, begun.truth[begun.training_rows]
    if train.sampling == "balanced":
        weights = balanced_rows(problem, truth)
    else:
        by_class = class_weights(train, problem, truth)
        if by_class is None:
            return None
        of_class = np.concatenate([[1.0], by_class.numpy()]) if problem.task == "binary" else by_class.numpy()
        weights = of_class[problem.class_of(truth)]
    return np.asarray(weights / weights.mean())
