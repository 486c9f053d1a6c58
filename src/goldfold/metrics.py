"""The competition metrics: each a function, its direction, and what it needs.

Truth and prediction are arrays over the same rows, n rows long:

| task | truth | prediction |
|---|---|---|
| binary | (n,) 0 or 1 | (n,) probability of 1 |
| multiclass | (n,) index of the class | (n, classes) probabilities |
| multilabel | (n, labels) 0 or 1 | (n, labels) probabilities |
| regression | (n,), or (n, targets) where there are several | as the truth |

A metric that needs labels is given the most probable class, or 0 and 1 by the threshold 0.5, in the truth's shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from goldfold.config import Task
from goldfold.errors import InputError
from goldfold.imports import named, nearest

Array = np.ndarray[Any, np.dtype[Any]]
CLASSIFICATION: tuple[Task, ...] = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True)
class Metric:
    """A competition's metric: `function(truth, prediction)`, whether more is better, and what it needs."""

    name: str
    function: Callable[[Array, Array], float]
    maximize: bool
    needs: Literal["label", "probability", "value"]
    tasks: tuple[Task, ...]

    def better(self, score: float, than: float) -> bool:
        """Whether `score` beats `than`."""
        return score > than if self.maximize else score < than

    def score(self, task: Task, truth: Array, prediction: Array) -> float:
        """Score predictions (probabilities or values, see the module); NaN where the metric is undefined on these rows."""
        if self.needs == "label":
            prediction = hard_labels(task, prediction)
        return float(self.function(truth, prediction))


def hard_labels(task: Task, prediction: Array) -> Array:
    """Turn probabilities into the most probable class (multiclass) or 0 and 1 by the threshold 0.5."""
    return prediction.argmax(axis=1) if task == "multiclass" else (prediction >= 0.5).astype(int)


def _accuracy(truth: Array, label: Array) -> float:
    return float((truth == label).mean())


def _f1(average: Literal["binary", "macro", "micro"]) -> Callable[[Array, Array], float]:
    def f1(truth: Array, label: Array) -> float:
        from sklearn.metrics import f1_score

        return float(f1_score(truth, label, average=average, zero_division=0))

    return f1


def _quadratic_weighted_kappa(truth: Array, label: Array) -> float:
    from sklearn.metrics import cohen_kappa_score

    if len(np.unique(np.concatenate([truth, label]))) < 2:
        return float("nan")
    return float(cohen_kappa_score(truth, label, weights="quadratic"))


def _roc_auc(truth: Array, probability: Array) -> float:
    """Area under the ROC curve; its mean over labels, or over classes one against the rest."""
    from sklearn.metrics import roc_auc_score

    if truth.ndim < probability.ndim:
        truth = np.eye(probability.shape[1], dtype=int)[truth]
    if (truth.min(axis=0) == truth.max(axis=0)).any():
        return float("nan")
    return float(roc_auc_score(truth, probability, average="macro"))


def _log_loss(truth: Array, probability: Array) -> float:
    """Log loss with probabilities kept 1e-15 from 0 and 1 (Kaggle's); its mean over labels."""
    if truth.ndim == probability.ndim:
        p = np.clip(probability, 1e-15, 1 - 1e-15)
        return float(-np.where(truth == 1, np.log(p), np.log1p(-p)).mean())
    p = np.clip(probability / probability.sum(axis=1, keepdims=True), 1e-15, 1)
    return float(-np.log(p[np.arange(len(truth)), truth]).mean())


def _rmse(truth: Array, value: Array) -> float:
    return float(np.sqrt(np.square(value - truth).mean(axis=0)).mean())


def _mae(truth: Array, value: Array) -> float:
    return float(np.abs(value - truth).mean())


def _r2(truth: Array, value: Array) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, value)) if len(truth) > 1 else float("nan")


def _rmsle(truth: Array, value: Array) -> float:
    """Root mean squared error of log1p, its mean over targets; a value below zero counts as zero."""
    return _rmse(np.log1p(truth), np.log1p(np.maximum(value, 0)))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", _accuracy, True, "label", CLASSIFICATION),
        Metric("roc_auc", _roc_auc, True, "probability", CLASSIFICATION),
        Metric("log_loss", _log_loss, False, "probability", CLASSIFICATION),
        Metric("f1", _f1("binary"), True, "label", ("binary",)),
        Metric("f1_macro", _f1("macro"), True, "label", CLASSIFICATION),
        Metric("f1_micro", _f1("micro"), True, "label", CLASSIFICATION),
        Metric("quadratic_weighted_kappa", _quadratic_weighted_kappa, True, "label", ("binary", "multiclass")),
        Metric("rmse", _rmse, False, "value", ("regression",)),
        Metric("rmsle", _rmsle, False, "value", ("regression",)),
        Metric("mae", _mae, False, "value", ("regression",)),
        Metric("r2", _r2, True, "value", ("regression",)),
    )
}


def find_metric(name: str, task: Task | None = None) -> Metric:
    """Return the metric `name`, or the competitor's own by import path; raises InputError where it does not fit `task`."""
    key = "competition.metric"
    if ":" in name:
        metric = named(name, [], key)
        if not isinstance(metric, Metric):
            raise InputError(
                f"params.yaml, {key}: {name} is no goldfold.metrics.Metric",
                mend='make it one: my_metric = Metric("my_metric", function, maximize=True, needs="label", tasks=("binary",))',
            )
    else:
        metric = METRICS.get(name)
        if metric is None:
            raise InputError(
                f"params.yaml, {key}: there is no metric {name}{nearest(name, list(METRICS))}",
                mend=f"give one of {', '.join(METRICS)}, or the import path of your own, own.module:metric",
            )
    if task is not None and task not in metric.tasks:
        fitting = [known.name for known in METRICS.values() if task in known.tasks]
        raise InputError(
            f"params.yaml, {key}: {name} does not score a {task} task",
            mend=f"give one of {', '.join(fitting)}, or another competition.task ({', '.join(metric.tasks)})",
        )
    return metric
