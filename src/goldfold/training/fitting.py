"""Train a fold whose model is an estimator: fit it once, to all training rows."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.frozen import FrozenModel
from goldfold.modalities.protocol import View
from goldfold.training.auxiliary import require_features
from goldfold.training.balance import balanced_rows, class_weights
from goldfold.training.batches import plain_batches
from goldfold.training.device import find_compute
from goldfold.training.evaluation import UNJUDGED, evaluate
from goldfold.training.fold import Fold
from goldfold.training.fold_result import FoldResult
from goldfold.training.frozen import FrozenView, batch_of, frozen_views
from goldfold.training.losses import build_loss
from goldfold.training.precision import choose_compute
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop, never

HELD_BACK = 0.2
"""The share of the training rows that chooses the rounds where no other fold can."""


def is_fitted_once(model: nn.Module) -> bool:
    """Return whether a model is an estimator, which is fitted without gradients."""
    return hasattr(model, "fit")


def fit_fold(fold: Fold, key: str, model: Any, reporter: Reporter, scratch: Path | None = None, stop: Stop = never) -> FoldResult:
    """Fit an estimator to the fold's encoded targets and validate it; its history is one epoch.

    train.class_weights, train.sampling: balanced and the weights of competition.extra become weights of the rows. What frozen
    networks read for an estimator is kept in `scratch`. A refit is given its rounds, and is not validated. Raises InputError
    where the estimator refuses.
    """
    require_features(model, fold.config)
    train, rows, compute = fold.config.train, fold.training_rows, find_compute("fp32")
    if fold.pseudo is not None:
        name = fold.config.model.name
        raise InputError(f"params.yaml, train.pseudo.soft: {name} learns classes, not probabilities", mend="set soft: false")
    reporter.started(fold.plan(epochs=1, steps=1, compute=compute))
    training: View
    plain: View
    if isinstance(model, FrozenModel):
        compute = choose_compute(train.precision, model, fold.plain_view())
        training, plain = frozen_views(fold, model.to(compute.device), compute, scratch, reporter.note, stop)
    else:
        training, plain = fold.training_view(), fold.plain_view()
    views = len(training.tables) if isinstance(training, FrozenView) else 1
    started = time.monotonic()
    _, inputs = training.__getitems__([(view, int(row)) for view in range(views) for row in rows])
    targets, weights = torch.cat([fold.codec.encode(fold.truth[rows])] * views), row_weights(fold)
    chosen_on, name = held_back(fold) if model.early_stopping and not fold.is_refit else (None, "")
    weight, held = (None if each is None else np.tile(each, views) for each in (weights, chosen_on))
    model.to(compute.device).fit(inputs, targets, weight, fold.seed, held, fold.length)
    if model.early_stopping:
        best = "in the folds on average" if fold.is_refit else f"on {name}"
        reporter.note(f"{fold.name}: {model.rounds} rounds, as were best {best}")
    seconds = time.monotonic() - started

    loss = build_loss(train, fold.codec.problem.task)
    with torch.inference_mode():
        train_loss = float(loss(model(**inputs), targets))
    judged = UNJUDGED
    if not fold.is_refit:
        batches = plain_batches(plain, fold.validation_rows, batch_of(fold.config))
        judged = fold.require_numbers(evaluate(model, batches, fold.validation_table, fold.codec, loss, compute), 0)
    history = {
        "epoch": 0,
        "train_loss": train_loss,
        **judged.measured(fold.codec.problem.scored_by.name),
        "lr": 0.0,
        "rows_per_second": round(len(rows) / max(seconds, 1e-9), 1),
        "seconds": round(seconds, 3),
        "time": round(time.time(), 3),
    }
    reporter.epoch_ended(history, True)
    return fold.result(key, model, compute, judged, [history])


def held_back(fold: Fold) -> tuple[Array, str]:
    """Return which training rows an estimator's rounds are chosen on, (n,) bool, and what they are called.

    They are those of another fold, the next, or in time the last; where all are of one fold, a part drawn at random.
    """
    there = fold.prepared.folds[fold.training_rows]
    others = sorted({int(number) for number in there if number >= 0}, key=lambda number: (number < fold.number, number))
    if len(others) > 1:
        inner = others[-1] if fold.prepared.in_time else others[0]
        return there == inner, f"fold {inner}"
    drawn = np.random.default_rng((fold.seed, fold.number)).permutation(len(there)) < HELD_BACK * len(there)
    return drawn, "a part of the training rows (with split.n_folds: 3 or more, another fold would choose)"


def row_weights(fold: Fold) -> Array | None:
    """Return a weight for each training row, (n,), with a mean of 1; None if params.yaml asks for none."""
    train, problem, truth = fold.config.train, fold.codec.problem, fold.truth[fold.training_rows]
    weights = None if fold.weights is None else fold.weights[fold.training_rows]
    by_class = class_weights(train, problem, truth)
    if train.sampling == "balanced":
        weights = balanced_rows(problem, truth) * (1 if weights is None else weights)
    elif by_class is not None:
        of_class = np.concatenate([[1.0], by_class.numpy()]) if problem.task == "binary" else by_class.numpy()
        weights = of_class[problem.class_of(truth)] * (1 if weights is None else weights)
    return None if weights is None else np.asarray(weights / weights.mean())
