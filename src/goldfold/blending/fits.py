"""Fits: from a method's settings to the function that blends."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from goldfold.blending.linear import Linear, in_logs
from goldfold.blending.regression import PENALTIES, Link, Rows, regress
from goldfold.blending.settings import BlendSettings
from goldfold.blending.stacking import build_model, fit_stack
from goldfold.blending.weights import Losses, hill_climb, slsqp
from goldfold.competition import Problem
from goldfold.inference.averaging import changes_in_steps
from goldfold.metrics import Array
from goldfold.metrics.probability import one_hot
from goldfold.validation.cross_validation import row_losses

GLANCED_AT = 50_000
"""Rows by which a climb ranks the members before it tries the best of them on all."""


@dataclass(frozen=True)
class Fitted:
    """A fitted blend: the function from values (members, n, …) to a prediction, what it was fitted to, and its weights if any."""

    predict: Callable[[Array], Array]
    to: str
    linear: Linear | None = None


Fit = Callable[[Array, pd.DataFrame], Fitted]
"""Fits a blend to values (members, n, …), on the scale of the settings, and the out-of-fold table of their rows."""


def fit_of(problem: Problem, settings: BlendSettings) -> Fit:
    """Return the function that fits a blend with these settings; raises InputError for a stack's model that cannot be built."""
    if settings.method == "stack":
        return _stacking(problem, settings)
    if settings.method in ("ridge", "nnls", "logistic"):
        return _regressing(problem, settings)
    return _averaging(problem, settings)


def _averaging(problem: Problem, settings: BlendSettings) -> Fit:
    def fit(values: Array, table: pd.DataFrame) -> Fitted:
        truth, metric = problem.truth(table), problem.scored_by
        even = Linear(np.full(len(values), 1 / len(values)), settings.on)
        if settings.method == "equal":
            return _of(problem, even, "nothing")

        def predicted(total: Array) -> Array:
            return Linear(np.ones(1), settings.on).predict(problem, total[None])

        def by_metric(total: Array, table: pd.DataFrame = table, truth: Array = truth) -> float:
            prediction = predicted(total)
            score = problem.score_rows(table, prediction) if problem.answer_id else problem.score(truth, prediction, table)
            return float(np.nan_to_num(-score if metric.maximize else score, nan=np.inf))

        def by_row(total: Array) -> float:
            return float(row_losses(problem, truth, predicted(total)).mean())

        if settings.method == "slsqp":
            follows_rows = changes_in_steps(problem, table, predicted(values[0]))
            weights = slsqp(by_row if follows_rows else by_metric, values, settings.negative)
            return _of(problem, Linear(weights, settings.on), "the rows' loss" if follows_rows else metric.name)
        losses = Losses(by_metric, by_row)
        if len(table) > GLANCED_AT and not problem.answer_id:
            some = np.linspace(0, len(table) - 1, GLANCED_AT).astype(int)
            few, known = table.iloc[some], truth[some]
            losses = losses._replace(some=some, glance=lambda total: by_metric(total, few, known))
        return _of(problem, Linear(hill_climb(losses, values, settings.negative), settings.on), metric.name)

    return fit


def _regressing(problem: Problem, settings: BlendSettings) -> Fit:
    logs = problem.task == "regression" and problem.scored_by.logs

    def fit(values: Array, table: pd.DataFrame) -> Fitted:
        truth = problem.truth(table)
        if problem.task == "multiclass":
            truth = one_hot(truth, values[0])
        values = (in_logs(values) if logs else values).reshape(len(values), len(table), -1)
        truth = np.asarray(in_logs(truth) if logs else truth, dtype=np.float64).reshape(len(table), -1)
        rows = Rows(values, truth, row_weights(problem, table), table["fold"].to_numpy()).fold_after_fold()
        centre, width = np.zeros(truth.shape[1]), np.ones(truth.shape[1])
        if problem.task == "regression":
            # Targets count alike, whatever their units.
            centre, width = rows.truth.mean(axis=0), rows.truth.std(axis=0) + (rows.truth.std(axis=0) == 0)
            rows = rows._replace(values=(rows.values - centre) / width, truth=(rows.truth - centre) / width)
        penalties = (0.0,) if settings.method == "nnls" else PENALTIES
        weights, intercepts = regress(rows, _link(problem, settings), penalties, settings.negative)
        intercepts = intercepts * width + centre * (1 - weights.sum())
        to = "the log loss" if settings.method == "logistic" else "squared errors"
        return _of(problem, Linear(weights, settings.on, intercepts, logs), f"{to} of logarithms" if logs else to)

    return fit


def _link(problem: Problem, settings: BlendSettings) -> Link:
    if settings.method != "logistic":
        return "identity"
    return "softmax" if problem.task == "multiclass" else "sigmoid"


def row_weights(problem: Problem, table: pd.DataFrame) -> Array:
    """How much each row counts in the metric, (n,): by its column of weights, 0 where it is masked, 1 otherwise."""
    arguments = problem.metric_args
    column, mask = arguments.get("sample_weight"), arguments.get("mask")
    weights = np.ones(len(table)) if column is None else table[column].to_numpy(dtype=np.float64)
    return weights if mask is None else weights * (table[mask] == arguments.get("keep", 1)).to_numpy()


def _stacking(problem: Problem, settings: BlendSettings) -> Fit:
    model = build_model(problem, settings.model)

    def features(values: Array) -> Array:
        return np.moveaxis(values, 0, 1).reshape(values.shape[1], -1)

    def fit(values: Array, table: pd.DataFrame) -> Fitted:
        predict = fit_stack(problem, model, features(values), problem.truth(table))
        return Fitted(lambda values: predict(features(values)), "the model's own loss")

    return fit


def _of(problem: Problem, linear: Linear, to: str) -> Fitted:
    return Fitted(lambda values: linear.predict(problem, values), to, linear)
