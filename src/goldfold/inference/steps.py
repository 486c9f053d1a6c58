"""The kinds of post-processing: what each fits to out-of-fold predictions, and how it changes predictions by that.

Each keeps the shape of predictions (see goldfold.metrics), so a threshold moves the probabilities such that it comes to lie
at 0.5. Only a confidence adds a column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import Task
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.inference.mask_steps import fit_mask, with_cuts
from goldfold.metrics import Array
from goldfold.metrics.metric import Needs

KEY = "validate.postprocess"
NEVER = 1 - 1e-9
MOST_CLASSES = 50
ROUNDS = 5
FAR_OFF = 0.1
"""How far targets may be from a sum on average, in deviations of the total: measurements and rounding, but no other sum."""


@dataclass(frozen=True)
class Rows:
    """What a step is fitted to: the truth and the predictions of some rows, and their table."""

    problem: Problem
    truth: Array
    prediction: Array
    table: pd.DataFrame

    def best(self, candidates: Iterable[Any], changed: Callable[[Any], Array]) -> tuple[Any, float]:
        """The candidate by which the changed predictions score best, and that score; the first of equals."""
        metric, best, best_score = self.problem.scored_by, None, float("nan")
        for candidate in candidates:
            score = self.problem.score(self.truth, changed(candidate), self.table)
            if score == score and (best is None or metric.better(score, best_score)):
                best, best_score = candidate, score
        if best is None:
            raise InputError(
                f"{KEY}: {metric.name} is undefined on the out-of-fold rows that a step is fitted to",
                mend="train more folds, or leave the step out",
            )
        return best, best_score


@dataclass(frozen=True)
class Kind:
    """A kind of step: its tasks, `fit(rows, **arguments)`, which returns what is fitted as JSON holds it,
    `change(problem, prediction, **fitted)`, and what the metric has to need, where not any does."""

    tasks: tuple[Task, ...]
    fit: Callable[..., dict[str, Any]]
    change: Callable[..., Array]
    needs: Needs | None = None


def _moved(_: Problem, prediction: Array, threshold: Any) -> Array:
    """Probabilities of 0 and 1 whose odds are divided by the threshold's."""
    odds = prediction * (1 - np.asarray(threshold))
    return np.asarray(odds / np.maximum(odds + (1 - prediction) * threshold, 1e-300))


def _candidates(rows: Rows) -> list[float]:
    """Thresholds to try, those near 0.5 first: even ones, and quantiles of the positive rows' probabilities."""
    positive = rows.prediction[rows.truth == 1]
    quantiles = np.quantile(positive, np.linspace(0, 1, 101)) if len(positive) else []
    values = np.unique(np.clip(np.concatenate([np.linspace(0.02, 0.98, 49), quantiles]), 1e-6, 1 - 1e-6))
    return sorted(values.tolist(), key=lambda value: abs(value - 0.5))


def _fit_threshold(rows: Rows) -> dict[str, Any]:
    return {"threshold": rows.best(_candidates(rows), lambda t: _moved(rows.problem, rows.prediction, t))[0]}


def _binarised(_: Problem, prediction: Array, threshold: float) -> Array:
    return (prediction >= threshold).astype(float)


def _fit_binarise(rows: Rows) -> dict[str, Any]:
    return {"threshold": rows.best(_candidates(rows), lambda t: _binarised(rows.problem, rows.prediction, t))[0]}


def _fit_label_thresholds(rows: Rows) -> dict[str, Any]:
    """The thresholds that are best for the F-score, exactly: each label's own, or under a micro average all together.

    The micro average is a ratio of sums over labels, maximised by Dinkelbach's method (1967).
    """
    metric, arguments = rows.problem.metric, rows.problem.metric_args
    average = metric.partition("_")[2] or arguments.get("average")
    if not metric.startswith(("f1_", "fbeta")) or average not in ("macro", "micro") or "mask" in arguments:
        scope = "fits macro and micro F-scores of all rows alone, and the metric is"
        raise InputError(f"params.yaml, {KEY}: label_thresholds {scope} {metric} {arguments or ''}", mend="use threshold")
    weight = arguments.get("beta", 1) ** 2
    order = np.argsort(-rows.prediction, axis=0, kind="stable")
    sorted_p = np.take_along_axis(rows.prediction, order, axis=0)
    # The state of each label with its 0, 1, … n most probable rows predicted; a cut cannot part equal probabilities.
    hits = np.vstack([np.zeros(order.shape[1]), np.take_along_axis(rows.truth, order, axis=0).cumsum(axis=0)])
    chosen = np.arange(len(hits))[:, None]
    cuts = (sorted_p[1:] + sorted_p[:-1]) / 2
    cuts = np.vstack([np.full(order.shape[1], NEVER), cuts, sorted_p[-1] / 2])
    possible = np.vstack([np.ones(order.shape[1], bool), sorted_p[1:] < sorted_p[:-1], np.ones(order.shape[1], bool)])
    gain, cost = (1 + weight) * hits, weight * hits[-1] + chosen
    if average != "macro":
        ratio, places = 0.0, np.zeros(order.shape[1], dtype=int)
        for _ in range(100):
            places = np.where(possible, gain - ratio * cost, -np.inf).argmax(axis=0)
            picked = np.arange(len(places))
            last, ratio = ratio, float(gain[places, picked].sum() / max(cost[places, picked].sum(), 1e-12))
            if ratio <= last:
                break
    else:
        places = np.where(possible, gain / np.maximum(cost, 1e-12), -np.inf).argmax(axis=0)
    thresholds = np.clip(cuts[places, np.arange(len(places))], 1e-9, NEVER)
    return {"threshold": thresholds.tolist()}


def _weighted(_: Problem, prediction: Array, weights: Any) -> Array:
    scaled = prediction * np.asarray(weights)
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def _fit_class_weights(rows: Rows) -> dict[str, Any]:
    """What each class's probability is multiplied by, found class by class until no change helps."""
    classes = rows.prediction.shape[1]
    if classes > MOST_CLASSES:
        raise InputError(
            f"params.yaml, {KEY}: class_weights tries each of {classes} classes, and at most {MOST_CLASSES} are worth it",
            mend="leave it out",
        )
    factors = sorted(np.exp(np.linspace(-1.5, 1.5, 13)), key=lambda factor: abs(np.log(factor)))
    weights, score = np.ones(classes), float("nan")
    for _ in range(ROUNDS):
        before = score
        for column in range(classes):
            tried = [np.where(np.arange(classes) == column, weights * factor, weights) for factor in factors]
            weights, score = rows.best(tried, lambda w: _weighted(rows.problem, rows.prediction, w))
        if score == before:
            break
    return {"weights": (weights / np.exp(np.log(weights).mean())).tolist()}


def _on_scale(problem: Problem, prediction: Array) -> Array:
    """A number per row, (n,): the value, or the mean place of the classes by their probabilities."""
    return prediction if problem.task == "regression" else prediction @ np.arange(prediction.shape[1])


def _cut(problem: Problem, prediction: Array, cuts: Any) -> Array:
    grade = np.searchsorted(cuts, _on_scale(problem, prediction), side="right")
    if problem.task == "regression":
        return np.asarray(problem.grades, dtype=float)[grade]
    return np.asarray(np.eye(len(problem.classes))[grade])


def _fit_cut_points(rows: Rows) -> dict[str, Any]:
    """The cuts between neighbouring grades, from those in the middle or those that give the grades their shares, one by one
    until no change helps."""
    problem, values = rows.problem, _on_scale(rows.problem, rows.prediction)
    if problem.task == "regression" and not problem.grades:
        raise InputError(f"params.yaml, {KEY}: cut_points needs a regression that is answered by labels", mend="leave it out")
    count = len(problem.grades or problem.classes)
    scale = np.asarray(problem.grades, dtype=float) if problem.grades else np.arange(count)
    grade = problem.nearest_grade(rows.truth) if problem.grades else problem.class_of(rows.truth)
    shares = np.bincount(grade, minlength=count).cumsum()[:-1] / len(grade)

    def changed(cuts: Array) -> Array:
        return _cut(problem, rows.prediction, cuts)

    cuts, score = rows.best([(scale[1:] + scale[:-1]) / 2, np.quantile(values, shares)], changed)
    for _ in range(ROUNDS):
        before = score
        for position in range(len(cuts)):
            low = cuts[position - 1] if position else values.min()
            high = cuts[position + 1] if position + 1 < len(cuts) else values.max()
            between = values[(values >= low) & (values <= high)]
            steps = np.quantile(between, np.linspace(0, 1, 31)) if len(between) else []
            tried = [cuts, *(np.where(np.arange(len(cuts)) == position, step, cuts) for step in steps)]
            cuts, score = rows.best(tried, changed)
        if score == before:
            break
    return {"cuts": np.asarray(cuts).tolist()}


def _tempered(problem: Problem, prediction: Array, temperature: float) -> Array:
    p = np.clip(prediction, 1e-15, 1 - 1e-15)
    if problem.task == "multiclass":
        powers = np.exp((np.log(p) - np.log(p).max(axis=1, keepdims=True)) / temperature)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-(np.log(p) - np.log1p(-p)) / temperature)))


def _fit_temperature(rows: Rows) -> dict[str, Any]:
    """What logits are divided by (Guo et al. 2017), searched in ever finer steps."""
    middle, width = 0.0, 2.0
    for _ in range(4):
        tried = sorted(np.linspace(middle - width, middle + width, 17).tolist(), key=abs)
        middle, _ = rows.best(tried, lambda log: _tempered(rows.problem, rows.prediction, float(np.exp(log))))
        width /= 8
    return {"temperature": float(np.exp(middle))}


def _clipped(problem: Problem, prediction: Array, least: float) -> Array:
    clipped = np.clip(prediction, least, 1 - least)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True)) if problem.task == "multiclass" else clipped


def _fit_clip(rows: Rows) -> dict[str, Any]:
    tried = [0.0, *np.logspace(-6, -1, 51).tolist()]
    return {"least": rows.best(tried, lambda least: _clipped(rows.problem, rows.prediction, least))[0]}


def _ranked(_: Problem, prediction: Array) -> Array:
    """Each column's ranks among the rows that are predicted together, between 0 and 1."""
    columns = pd.DataFrame(prediction.reshape(len(prediction), -1))
    return np.asarray((columns.rank().to_numpy() / (len(columns) + 1)).reshape(prediction.shape))


def _fit_rank(rows: Rows) -> dict[str, Any]:
    if rows.problem.answer == "probability" and rows.problem.task == "multiclass":
        raise InputError(f"params.yaml, {KEY}: rank would break rows that must sum to 1", mend="leave it out")
    return {}


def _with_new(problem: Problem, prediction: Array, label: str, score: float) -> Array:
    column = problem.names.index(label)
    changed = prediction.copy()
    changed[:, column] = score
    return changed


def _fit_new_class(rows: Rows, label: str) -> dict[str, Any]:
    """The score of the class that stands for none of the others: it is ranked before all that are less sure."""
    if label not in rows.problem.names:
        raise InputError(f"params.yaml, {KEY}: new_class: there is no class {label}", mend="name one of the classes")
    others = np.delete(rows.prediction, rows.problem.names.index(label), axis=1).max(axis=1)
    tried = np.quantile(others, np.linspace(0, 1, 101)).tolist()
    return {"label": label, "score": rows.best(tried, lambda s: _with_new(rows.problem, rows.prediction, label, s))[0]}


def _with_confidence(_: Problem, prediction: Array, confidence: float) -> Array:
    return np.column_stack([prediction, np.full(len(prediction), confidence)])


def _fit_confidence(rows: Rows) -> dict[str, Any]:
    error = np.abs(rows.truth - rows.prediction).mean()
    tried = (error * np.exp(np.linspace(-2, 2, 81))).tolist()
    return {"confidence": rows.best(tried, lambda c: _with_confidence(rows.problem, rows.prediction, c))[0]}


def _equations(problem: Problem, sums: Mapping[str, Sequence[str]]) -> Array:
    """The equations total - parts = 0 as (sums, targets): 1 for a total, -1 for each of its parts."""
    place = {problem.as_shipped(name): position for position, name in enumerate(problem.targets)}
    equations = np.zeros((len(sums), len(place)))
    for equation, (total, parts) in zip(equations, sums.items(), strict=True):
        equation[place[total]] = 1
        equation[[place[part] for part in parts]] = -1
    return equations


def _projected(problem: Problem, prediction: Array, sums: Mapping[str, Sequence[str]]) -> Array:
    """The nearest predictions, by least squares, in which each total is the sum of its parts."""
    equations = _equations(problem, sums)
    # The pseudo-inverse takes equations that follow from others, too.
    return prediction - prediction @ equations.T @ np.linalg.pinv(equations).T


def _fit_project(rows: Rows, sums: Any) -> dict[str, Any]:
    """The equations, which have to be true of the targets."""
    problem, key = rows.problem, f"params.yaml, {KEY}: project"
    names = [problem.as_shipped(name) for name in problem.targets]
    if not isinstance(sums, dict) or not sums or not all(isinstance(parts, list) and parts for parts in sums.values()):
        raise InputError(f"{key} needs the parts of each total", mend="write it as {name: project, sums: {total: [a, b]}}")
    sums = {str(total): [str(part) for part in parts] for total, parts in sums.items()}
    for total, parts in sums.items():
        if unknown := [name for name in (total, *parts) if name not in names]:
            raise InputError(f"{key}: there is no target {unknown[0]}{nearest(unknown[0], names)}", names, "name the targets")
        if len({total, *parts}) <= len(parts):
            raise InputError(f"{key}: {total} = {' + '.join(parts)} names a target twice", mend="name each once")
        truth = rows.truth[:, names.index(total)]
        off = truth - rows.truth[:, [names.index(part) for part in parts]].sum(axis=1)
        if np.abs(off).mean() > FAR_OFF * truth.std():
            raise InputError(
                f"{key}: {total} is not {' + '.join(parts)} in the training rows, but {np.abs(off).mean():.3g} off on average",
                [f"{rows.table[problem.id].iloc[row]}: off by {off[row]:.4g}" for row in np.argsort(-np.abs(off))[:3]],
                "give the sums that the targets keep, or leave it out",
            )
    return {"sums": sums}


PROBABILITIES: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
KINDS = {
    "threshold": Kind(("binary", "multilabel"), _fit_threshold, _moved, "label"),
    "label_thresholds": Kind(("multilabel",), _fit_label_thresholds, _moved, "label"),
    "binarise": Kind(("binary", "multilabel"), _fit_binarise, _binarised, "probability"),
    "class_weights": Kind(("multiclass",), _fit_class_weights, _weighted),
    "cut_points": Kind(("multiclass", "regression"), _fit_cut_points, _cut),
    "temperature": Kind(PROBABILITIES, _fit_temperature, _tempered, "probability"),
    "clip": Kind(PROBABILITIES, _fit_clip, _clipped, "probability"),
    "rank": Kind((*PROBABILITIES, "regression"), _fit_rank, _ranked),
    "new_class": Kind(("multiclass", "multilabel"), _fit_new_class, _with_new),
    "confidence": Kind(("regression",), _fit_confidence, _with_confidence),
    "project": Kind(("regression",), _fit_project, _projected),
    "mask": Kind(("masks",), fit_mask, with_cuts, "mask"),
}
