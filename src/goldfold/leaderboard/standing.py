"""Runs side by side: their CV, their scores on the leaderboard, and how well the two agree."""

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
"""The fewest runs for a rank correlation, and for one that means something."""


@dataclass(frozen=True)
class Standing:
    """A run: its out-of-fold score with the interval, its submission's scores by part of the test set, None if unknown, what it
    changed, when it started, the seconds that its folds were trained, and its submissions to Kaggle."""

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

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it; what is unknown is None."""
        return {
            "run": self.name,
            "id": self.id,
            "score": self.cv,
            "low": self.low,
            "high": self.high,
            **self.scores,
            "started": f"{self.started:%Y-%m-%dT%H:%M:%SZ}",
            "seconds": self.seconds,
            "parent": self.change.parent,
            "changed": list(self.change.words),
        }

    def score(self, part: str | None) -> float | None:
        """Return the score of a part of the test set, or CV for None; None if it is unknown or not finite."""
        score = self.cv if part is None else self.scores[part]
        return score if score is not None and isfinite(score) else None


def standings(runs: Sequence[Run], metric: Metric, arguments: Mapping[str, Any] | None = None) -> tuple[list[Standing], str]:
    """Return the runs cross-validated by the metric with these arguments, oldest first, and which others are left out.

    Runs on a few rows (prepare.rows) are left out. A part of the test set that Kaggle did not score has the score that
    `goldfold score` logged.
    """
    name = metric_name(metric.name)
    scored = [run for run in runs if f"{name}_low" in run.metrics]
    comparable = [run for run in scored if is_scored_by(run.tags, arguments)]
    whole = [run for run in comparable if run.params.get("prepare.rows", "None") == "None"]
    standing = [
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
    few, others = len(comparable) - len(whole), len(scored) - len(comparable)
    others += sum(_is_of_another_metric(run, name) for run in runs)
    left_out = [f"{few} on a few rows (prepare.rows)"] * (few > 0) + [f"{others} scored by another metric"] * (others > 0)
    return standing, " and ".join(left_out)


def _is_of_another_metric(run: Run, name: str) -> bool:
    return f"{name}_low" not in run.metrics and any(
        metric.endswith("_low") and metric.removesuffix("_low") in run.metrics for metric in run.metrics
    )


def ranked(runs: Sequence[Standing], by: Order, maximize: bool) -> list[Standing]:
    """Sort runs: the best score first and those without one last, the newest first, or by name."""
    if by == "name":
        return sorted(runs, key=lambda run: run.name)
    if by == "time":
        return sorted(runs, key=lambda run: run.started, reverse=True)

    def order(run: Standing) -> tuple[bool, float]:
        score = run.score(None if by == "cv" else by)
        return (True, 0.0) if score is None else (False, -score if maximize else score)

    return sorted(runs, key=order)


@dataclass(frozen=True)
class Agreement:
    """How alike CV and the scores of a part of the test set rank `runs` runs: Spearman's rank correlation, -1 to 1; None for
    too few runs, or equal ones."""

    part: str
    runs: int
    spearman: float | None

    def __str__(self) -> str:
        if self.spearman is None:
            return f"no rank correlation of {self.runs} run{'s' * (self.runs > 1)}: it takes {FEWEST}, not all equal"
        few = "; so few may agree by chance" if self.runs < FEW else ""
        return f"rank correlation {self.spearman:+.2f} (Spearman) of {self.runs} runs{few}"


def agreements(runs: Sequence[Standing]) -> list[Agreement]:
    """Return how CV agrees with each part of the test set that a run has a score of."""
    finite = [run for run in runs if isfinite(run.cv)]
    by_part = {part: [(run.cv, score) for run in finite if (score := run.score(part)) is not None] for part in PARTS}
    return [Agreement(part, len(pairs), _spearman(pairs)) for part, pairs in by_part.items() if pairs]


def _spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    cv, scores = zip(*pairs, strict=True)
    if len(pairs) < FEWEST or len(set(cv)) == 1 or len(set(scores)) == 1:
        return None
    return float(spearmanr(cv, scores).statistic)
