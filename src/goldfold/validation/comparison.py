"""Compare two results on the same out-of-fold rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.files import write_json, written_whole
from goldfold.metrics import Array, hard_labels, named_columns
from goldfold.validation.cross_validation import groups_in, row_losses
from goldfold.validation.cv_result import CVResult
from goldfold.validation.resampling import resamples

Pair = tuple[Array, Array]
Expected = Literal["better", "not-worse"]


@dataclass(frozen=True)
class Comparison:
    """The comparison of two runs; every difference is the second's score minus the first's.

    `low` and `high` bound the difference of the metric; `share` is the share of the resamples in which the better run wins (the
    second if both score the same; a draw counts half). `folds` has the columns fold, rows, first, second and difference; for
    `changed` see `changed_rows`. Files: comparison.json, changed.csv.
    """

    names: tuple[str, str]
    metric: str
    maximize: bool
    scores: tuple[float, float]
    low: float
    high: float
    confidence: float
    share: float
    resamples: int
    rows: int
    groups: int | None
    folds: pd.DataFrame = field(repr=False)
    changed: pd.DataFrame = field(repr=False)

    @property
    def difference(self) -> float:
        """The second's score minus the first's."""
        return self.scores[1] - self.scores[0]

    @property
    def better(self) -> str | None:
        """The run with the better score; None if both score the same."""
        if self.difference == 0:
            return None
        return self.names[int((self.difference > 0) == self.maximize)]

    @property
    def is_more_than_noise(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        return self.low > 0 or self.high < 0

    @property
    def verdict(self) -> str:
        """A sentence that says whether the difference is more than noise."""
        if self.better is None:
            return f"no difference: both score {self.scores[0]:.5g}"
        ahead = f"{self.better} is ahead by {abs(self.difference):.3g}"
        won = f"it wins in {self.share:.1%} of the resamples"
        if self.is_more_than_noise:
            return f"more than noise: {ahead}, the interval leaves 0 out, and {won}"
        return f"no more than noise: {ahead}, but the interval holds 0; {won}"

    def is_what(self, expected: Expected) -> bool:
        """Whether the second run is better than the first by more than noise, or is not worse by more than noise."""
        second = self.better == self.names[1]
        return (second and self.is_more_than_noise) if expected == "better" else (second or not self.is_more_than_noise)

    def save(self, folder: Path) -> None:
        """Write both files."""
        write_json(folder / "comparison.json", self.to_json())
        with written_whole(folder / "changed.csv") as draft:
            self.changed.to_csv(draft, index=False)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON; null where the metric is undefined."""
        folds = self.folds.astype(object).where(self.folds.notna(), None)
        numbers = {"low": self.low, "high": self.high, "share_of_resamples_won": self.share}
        return {
            "first": self.names[0],
            "second": self.names[1],
            "metric": self.metric,
            "maximize": self.maximize,
            "scores": list(self.scores),
            "difference": self.difference,
            **{name: value if np.isfinite(value) else None for name, value in numbers.items()},
            "confidence": self.confidence,
            "more_than_noise": self.is_more_than_noise,
            "better": self.better,
            "resamples": self.resamples,
            "rows": self.rows,
            "groups": self.groups,
            "folds": folds.to_dict("records"),
        }


def compare(
    problem: Problem, results: Mapping[str, CVResult], config: ValidateConfig, groups: pd.Series | None = None
) -> Comparison:
    """Compare the results of two runs, by name, with the same out-of-fold rows in the same order.

    Predictions are post-processed, nested, as they are in each run's score. The interval is that of the paired bootstrap (Efron
    and Tibshirani 1993): both are scored on the same resamples of the answered rows, or of whole `groups` (by id), so rows that
    are hard for both do not widen it.
    """
    answers = [problem.per_answer(result.oof, problem.predictions(result.oof)) for result in results.values()]
    table = answers[0][0]
    raw = answers[0][1], answers[1][1]
    first, second = (
        result.postprocess.judged(problem, table, prediction) for result, prediction in zip(results.values(), raw, strict=True)
    )
    scores = [problem.score(problem.truth(table), prediction, table) for prediction in (first, second)]
    grouped = groups_in(problem, table, groups)
    differences = paired_differences(problem, table, (first, second), config.bootstrap, grouped)
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]) if len(differences) else (np.nan, np.nan)
    names = list(results)
    return Comparison(
        names=(names[0], names[1]),
        metric=problem.scored_by.name,
        maximize=problem.scored_by.maximize,
        scores=(scores[0], scores[1]),
        low=float(low),
        high=float(high),
        confidence=config.confidence,
        share=_share_won(differences, scores[1] - scores[0], problem.scored_by.maximize),
        resamples=len(differences),
        rows=len(table),
        groups=None if grouped is None else int(pd.Series(grouped).nunique(dropna=False)),
        folds=_per_fold(problem, table, (first, second)),
        changed=changed_rows(problem, table, raw, (first, second), config.worst),
    )


def paired_differences(problem: Problem, table: pd.DataFrame, pair: Pair, number: int, groups: Array | None = None) -> Array:
    """Return the difference of two predictions' scores, (at most `number`,), on each resample where the metric is defined."""
    first, second = (resampled_scores(problem, table, prediction, number, groups) for prediction in pair)
    differences = second - first
    return np.asarray(differences[~np.isnan(differences)])


def resampled_scores(problem: Problem, table: pd.DataFrame, prediction: Array, number: int, groups: Array | None = None) -> Array:
    """Return the score of a prediction on each resample, (number,), the same ones each time; NaN where it is undefined."""
    named = list(named_columns(problem.scored_by, problem.metric_args))
    truth, prediction = problem.measured(problem.truth(table), prediction)
    scores = [
        problem.score(truth[rows], prediction[rows], table[named].iloc[rows] if named else None)
        for rows in resamples(len(truth), number, groups)
    ]
    return np.asarray(scores, dtype=np.float64)


def changed_rows(problem: Problem, table: pd.DataFrame, raw: Pair, judged: Pair, most: int) -> pd.DataFrame:
    """Return the rows on which two predictions differ most: id, fold, targets, raw losses and their change, largest first.

    Under a metric of labels these are all rows that one run gets right and the other wrong, with the column `turned` (right →
    wrong, wrong → right) and, if a row has one label, both labels; else the `most` rows whose loss changed most.
    """
    truth = problem.truth(table)
    losses = [row_losses(problem, truth, prediction) for prediction in raw]
    rows = table[[problem.id, "fold", *problem.targets]].reset_index(drop=True)
    rows = rows.assign(first_loss=losses[0], second_loss=losses[1], change=losses[1] - losses[0])
    rows = rows.sort_values("change", key=np.abs, ascending=False, kind="stable")
    if problem.scored_by.needs != "label" or (problem.task == "regression" and not problem.grades):
        return rows[rows["change"] != 0].head(most).reset_index(drop=True)
    right = [_is_right(problem, truth, prediction) for prediction in judged]
    rows = rows.assign(turned=pd.Series(np.where(right[1], "wrong → right", "right → wrong")))
    if problem.task != "multilabel":
        first, second = (pd.Series(problem.labels(prediction)) for prediction in judged)
        rows = rows.assign(first=first, second=second)
    return rows[pd.Series(right[0] != right[1])[rows.index]].reset_index(drop=True)


def _is_right(problem: Problem, truth: Array, prediction: Array) -> Array:
    if problem.grades:
        return np.asarray(problem.nearest_grade(prediction) == problem.nearest_grade(truth))
    actual = problem.class_of(truth) if problem.is_exclusive else truth
    return np.asarray((hard_labels(problem.task, prediction) == actual).reshape(len(truth), -1).all(axis=1))


def _share_won(differences: Array, difference: float, maximize: bool) -> float:
    towards = np.sign(difference) or (1 if maximize else -1)
    won = np.sign(differences) * towards
    return float(((won > 0) + (won == 0) / 2).mean()) if len(won) else float("nan")


def _per_fold(problem: Problem, table: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    lines, folds, truth = [], table["fold"].to_numpy(), problem.truth(table)
    for fold in np.unique(folds):
        rows = folds == fold
        first, second = (problem.score(truth[rows], prediction[rows], table[rows]) for prediction in pair)
        lines.append({"fold": int(fold), "rows": int(rows.sum()), "first": first, "second": second})
    scores = pd.DataFrame(lines)
    return scores.assign(difference=scores["second"] - scores["first"])
