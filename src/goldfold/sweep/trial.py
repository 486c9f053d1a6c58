"""One trial: train and judge the folds of one setting in this process, until it is pruned."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

from goldfold.config import Config
from goldfold.engines.folds import train_folds
from goldfold.engines.pool import Pool
from goldfold.identity import training_key
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult
from goldfold.training.reporter import Reporter, Row, Several, Silent
from goldfold.training.stopping import Stop, Stopped
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import validate

Judge = Callable[[int, float, str], None]
"""Called with a step of a trial, its score, and the step's name; what it raises ends the trial."""
FOLDS_FROM = 10_000
"""The steps of a trial are the epochs of the first fold, and from this one on the folds."""


class EpochScores(Silent):
    """A reporter that calls a judge after each epoch with the best score so far; `best` is that of earlier epochs."""

    def __init__(self, metric: str, name: str, judge: Judge, best: float | None) -> None:
        self.metric, self.name, self.judge, self.best = metric, name, judge, best

    def epoch_ended(self, row: Row, best: bool) -> None:
        if best:
            self.best = row[self.metric]
        epoch = int(row["epoch"])
        if self.best is not None:
            self.judge(epoch, self.best, f"{self.name}, epoch {epoch + 1}")


def run_trial(
    prepared: PreparedSet,
    config: Config,
    judge: Judge,
    best: float | None,
    reporter: Reporter,
    scratch: Path,
    folder: Path,
    stop: Stop,
    pool: Pool[Any],
) -> CVResult:
    """Train all folds into `folder`, by the processes of `pool`, and judge them as the stages do, with few resamples.

    `judge` is called after each epoch of the first training, and after every fold but the last with the mean score so far; a
    resumed trial takes `best`, the score of its earlier epochs. Raises Stopped where `stop` gives a reason.
    """
    metric, folds, seeds = prepared.problem.scored_by.name, config.split.folds, config.train.seeds
    if stop():
        raise Stopped("the trial was not started; the same command continues")

    first = config.train.name_of(folds[0], seeds[0])

    def hear(name: str) -> Reporter:
        return Several([reporter, EpochScores(metric, name, judge, best)]) if name == first else reporter

    results: dict[tuple[int, int], FoldResult] = {}
    judged = 0
    with closing(train_folds(prepared, config, folder, scratch, hear, stop, pool)) as trained:
        for result in trained:
            results[result.fold, result.seed] = result
            # Folds may end in any order, and are judged in theirs.
            while judged < len(folds) - 1 and all((folds[judged], seed) in results for seed in seeds):
                judged += 1
                so_far = [results[fold, seed].score for fold in folds[:judged] for seed in seeds]
                judge(FOLDS_FROM + folds[judged - 1], fmean(so_far), f"fold {folds[judged - 1]}")
    ordered = [results[fold, seed] for fold in folds for seed in seeds]
    quick = config.validate_.model_copy(update={"bootstrap": 10})
    return validate(prepared, ordered, quick, config.predict, config.split.group, scratch)


def training_keys(prepared: PreparedSet, config: Config, machine: Sequence[Any]) -> Iterator[str]:
    """Yield the identities of a trial's trainings on a machine."""
    for fold in config.split.folds:
        for seed in config.train.seeds:
            yield training_key(prepared, fold, seed, config, machine)
