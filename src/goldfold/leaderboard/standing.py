"""Runs beside each other: their scores by cross-validation and on the leaderboard, and how well the two agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Literal

from scipy.stats import spearmanr

from goldfold.leaderboard.changes import Change, change_of
from goldfold.metrics import Metric
from goldfold.runs.run import Run
from goldfold.tracking.store import is_scored_by, metric_name
from goldfold.tracking.submissions import Sending, sendings

Order = Literal["cv", "public", "private", "test", "time", "name"]
ORDERS: tuple[Order, ...] = ("cv", "public", "private", "test", "time", "name")
PARTS = ("public", "private", "test")
FEWEST, FEW = 3, 6
"""Runs from which on a rank correlation is computed, and from which on it says something."""


@dataclass(frozen=True)
class Standing:
    """A run: its out-of-fold score with the interval, those of its submission by part of the test set (None where they are
    not known), what it changed, when it was begun, the seconds that its folds were trained, and what was sent of it."""

    name: str
    id: str
    cv: float
    low: float
    high: float
    scores: dict[str, float | None]
    change: Change
    started: datetime
    seconds: float
    sent: tuple[Sending, ...]


def standings(results: Sequence[Run], metric: Metric, arguments: Mapping[str, Any] | None = None) -> tuple[list[Standing], str]:
    """The runs that were cross-validated by the metric with these arguments, the oldest first, and what to tell of the others.

    A run on a few rows (prepare.rows) is no result, and is left out. Where Kaggle gave no score of a part, that of the
    solution's rows of this part, from `goldfold score`, takes its place.
    """
    name = metric_name(metric.name)
    scored = [run for run in results if f"{name}_low" in run.metrics]
    judged = [run for run in scored if is_scored_by(run.tags, arguments)]
    whole = [run for run in judged if run.params.get("prepare.rows", "None") == "None"]
    runs = [
        Standing(
            name=run.name,
            id=run.id,
            cv=run.metrics[name],
            low=run.metrics[f"{name}_low"],
            high=run.metrics[f"{name}_high"],
            scores={
                "public": run.metrics.get(f"{name}_public", run.metrics.get(f"{name}_test_public")),
                "private": run.metrics.get(f"{name}_private", run.metrics.get(f"{name}_test_private")),
                "test": run.metrics.get(f"{name}_test"),
            },
            change=change_of(run, whole[:position]),
            started=run.started,
            seconds=run.seconds,
            sent=tuple(sendings(run.tags)),
        )
        for position, run in enumerate(whole)
    ]
    few, others = len(judged) - len(whole), len(scored) - len(judged)
    others += sum(_is_of_another_metric(run, name) for run in results)
    reasons = [f"{few} on a few rows (prepare.rows)"] * (few > 0) + [f"{others} scored by another metric"] * (others > 0)
    return runs, " and ".join(reasons)


def _is_of_another_metric(result: Run, name: str) -> bool:
    return f"{name}_low" not in result.metrics and any(
        metric.endswith("_low") and metric.removesuffix("_low") in result.metrics for metric in result.metrics
    )


def ranked(runs: Sequence[Standing], by: Order, maximize: bool) -> list[Standing]:
    """The runs in an order: the best score first and those without one last, the newest first, or by name."""
    if by == "name":
        return sorted(runs, key=lambda run: run.name)
    if by == "time":
        return sorted(runs, key=lambda run: run.started, reverse=True)

    def position(run: Standing) -> tuple[bool, float]:
        score = run.cv if by == "cv" else run.scores[by]
        return (True, 0.0) if score is None or not isfinite(score) else (False, -score if maximize else score)

    return sorted(runs, key=position)


@dataclass(frozen=True)
class Agreement:
    """How alike CV and the scores of a part of the test set rank `runs` runs: Spearman's rank correlation, -1 to 1; None where
    they are too few, or all equal."""

    part: str
    runs: int
    spearman: float | None

    def __str__(self) -> str:
        if self.spearman is None:
            return f"no rank correlation of {self.runs} run{'s' * (self.runs > 1)}: it takes {FEWEST} that are not all equal"
        few = "; so few may agree by chance" if self.runs < FEW else ""
        return f"rank correlation {self.spearman:+.2f} (Spearman) of {self.runs} runs{few}"


def agreements(runs: Sequence[Standing]) -> list[Agreement]:
    """The agreement of CV with each part of the test set that a run has a score of."""
    pairs = {part: [(run.cv, score) for run in runs if (score := run.scores[part]) is not None] for part in PARTS}
    finite = {part: [pair for pair in both if all(map(isfinite, pair))] for part, both in pairs.items()}
    return [Agreement(part, len(both), _spearman(both)) for part, both in finite.items() if both]


def _spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    cv, scores = zip(*pairs, strict=True)
    if len(pairs) < FEWEST or len(set(cv)) == 1 or len(set(scores)) == 1:
        return None
    return float(spearmanr(cv, scores).statistic)
