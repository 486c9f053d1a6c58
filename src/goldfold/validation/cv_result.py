"""CVResult: the out-of-fold predictions of all trained folds, and their scores."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet, write_json, written_by_this_version, written_whole
from goldfold.inference.postprocess import Postprocess

METRIC = "metric.json"


@dataclass(frozen=True)
class Scores:
    """The competition's metric on all out-of-fold rows, its bootstrap interval, and the metric per fold.

    Post-processing is nested (see goldfold.inference.postprocess), and `raw` is the metric without it. `rows` counts rows that
    share an answer once; `groups` counts groups if whole groups were resampled for the interval. `plain` is the metric of the
    best checkpoints alone, without test-time augmentation.
    """

    metric: str
    score: float
    low: float
    high: float
    confidence: float
    folds: dict[int, float]
    rows: int
    raw: float | None = None
    groups: int | None = None
    plain: float | None = None

    @property
    def mean(self) -> float:
        """The mean of the folds' scores."""
        return float(pd.Series(self.folds).mean())

    @property
    def deviation(self) -> float:
        """The standard deviation of the folds' scores; 0 for a single one."""
        return float(pd.Series(self.folds).std(ddof=0))


@dataclass(frozen=True)
class CVResult:
    """Scores, the out-of-fold table, the worst errors, and the post-processing.

    Files: metrics.json, metric.json (the name and the arguments of the metric), oof.parquet (row, fold, Problem.columns, and
    those of Problem.outputs as the models predict them), worst.csv (the rows with the largest loss, worst first),
    postprocess.json, errors.png (a confusion matrix, or predicted against actual).
    """

    problem: Problem
    scores: Scores
    oof: pd.DataFrame = field(repr=False)
    worst: pd.DataFrame = field(repr=False)
    postprocess: Postprocess = field(default_factory=Postprocess)

    def judged(self) -> pd.DataFrame:
        """Return the out-of-fold table as it is scored: a row per answer, post-processed as fitted to the other folds."""
        table, prediction = self.problem.per_answer(self.oof, self.problem.predictions(self.oof))
        judged = self.postprocess.judged(self.problem, table, prediction)
        # The last column may be a confidence, which is for the submission alone.
        columns = judged.reshape(len(judged), -1).T
        return table.assign(**dict(zip(self.problem.outputs, columns, strict=False)))

    def save(self, folder: Path) -> None:
        """Write the files."""
        from goldfold.validation.plots import plot_errors

        with written_whole(folder / "oof.parquet") as draft:
            self.oof.to_parquet(draft)
        with written_whole(folder / "worst.csv") as draft:
            self.worst.to_csv(draft, index=False)
        with written_whole(folder / "errors.png") as draft:
            plot_errors(self.problem, self.judged(), draft)
        write_json(folder / "postprocess.json", self.postprocess.to_json())
        write_json(folder / METRIC, {"name": self.scores.metric, "arguments": self.problem.metric_args})
        write_json(folder / "metrics.json", self.metrics())

    def metrics(self) -> dict[str, Any]:
        """Return the scores as `dvc metrics` shows them."""
        scores = self.scores
        return {
            scores.metric: {
                "oof": scores.score,
                **{name: value for name in ("raw", "plain") if (value := getattr(scores, name)) is not None},
                "low": scores.low,
                "high": scores.high,
                "mean": scores.mean,
                "std": scores.deviation,
                "fold": {str(fold): score for fold, score in scores.folds.items()},
            },
            "confidence": scores.confidence,
            "rows": scores.rows,
            **({} if scores.groups is None else {"groups": scores.groups}),
        }

    @classmethod
    def load(cls, folder: Path, problem: Problem) -> "CVResult":
        """Read what `save` wrote."""
        if not (folder / "metrics.json").is_file():
            raise InputError(f"there is no cross-validation result in {folder}", mend="run `dvc repro validate`")
        with written_by_this_version(f"the cross-validation in {folder}", "run `dvc repro --force validate`"):
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
                raw=numbers.get("raw"),
                plain=numbers.get("plain"),
                groups=saved.get("groups"),
            )
            worst = pd.read_csv(folder / "worst.csv", dtype={"id": "str"})
            steps = folder / "postprocess.json"
            # Older results have no post-processing.
            postprocess = Postprocess.from_json(read_json(steps)) if steps.is_file() else Postprocess()
            return cls(problem, scores, read_parquet(folder / "oof.parquet"), worst, postprocess)
