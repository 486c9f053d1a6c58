"""CVResult: the out-of-fold predictions of all trained folds, and their scores."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.files import read_json, write_json, written_whole


@dataclass(frozen=True)
class Scores:
    """The competition's metric on all out-of-fold rows, its bootstrap interval, and the metric per fold."""

    metric: str
    score: float
    low: float
    high: float
    confidence: float
    folds: dict[int, float]
    rows: int

    @property
    def mean(self) -> float:
        """The mean over folds."""
        return float(pd.Series(self.folds).mean())

    @property
    def deviation(self) -> float:
        """The standard deviation over folds; 0 for a single one."""
        return float(pd.Series(self.folds).std(ddof=0))


@dataclass(frozen=True)
class CVResult:
    """Scores, the out-of-fold table, and the worst errors.

    Files: metrics.json, oof.parquet (row, id, fold, the targets, and the columns of Problem.outputs), worst.csv (the
    rows with the largest loss, worst first), errors.png (a confusion matrix, or predicted against actual).
    """

    problem: Problem
    scores: Scores
    oof: pd.DataFrame = field(repr=False)
    worst: pd.DataFrame = field(repr=False)

    def save(self, folder: Path) -> None:
        """Write the four files."""
        from goldfold.validation.plots import plot_errors

        with written_whole(folder / "oof.parquet") as draft:
            self.oof.to_parquet(draft)
        with written_whole(folder / "worst.csv") as draft:
            self.worst.to_csv(draft, index=False)
        with written_whole(folder / "errors.png") as draft:
            plot_errors(self.problem, self.oof, draft)
        write_json(folder / "metrics.json", self.metrics())

    def metrics(self) -> dict[str, Any]:
        """The scores as `dvc metrics` shows them."""
        scores = self.scores
        return {
            scores.metric: {
                "oof": scores.score,
                "low": scores.low,
                "high": scores.high,
                "mean": scores.mean,
                "std": scores.deviation,
                "fold": {str(fold): score for fold, score in scores.folds.items()},
            },
            "confidence": scores.confidence,
            "rows": scores.rows,
        }

    @classmethod
    def load(cls, folder: Path, problem: Problem) -> "CVResult":
        """Read what `save` wrote."""
        if not (folder / "metrics.json").is_file():
            raise InputError(f"there is no cross-validation result in {folder}", mend="run `dvc repro validate`")
        saved = read_json(folder / "metrics.json")
        metric = problem.scored_by.name
        numbers = saved[metric]
        scores = Scores(
            metric=metric,
            score=numbers["oof"],
            low=numbers["low"],
            high=numbers["high"],
            confidence=saved["confidence"],
            folds={int(fold): score for fold, score in numbers["fold"].items()},
            rows=saved["rows"],
        )
        return cls(
            problem, scores, pd.read_parquet(folder / "oof.parquet"), pd.read_csv(folder / "worst.csv", dtype={"id": "str"})
        )
