"""What a configuration costs: measured on a few rows and on some more, and scaled to all of them."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from goldfold.config import Component, Config
from goldfold.files import write_json
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT
from goldfold.prepare.subset import some_rows
from goldfold.scratch import read_kept
from goldfold.training import train_fold
from goldfold.training.fold import UndefinedError
from goldfold.training.stopping import Reason, Stop

TRIED_ON = {"table": (250, 1000), "text": (300, 1200)}
"""The training rows that a configuration is tried on, by the kind of input."""
OTHERWISE = (16, 64)
STEEPEST = 2.0
FLATTEST = 0.25
"""How fast seconds grow with rows, at most as a power, and at least as a share of being proportional: short times are noisy."""


@dataclass(frozen=True)
class Line:
    """The seconds that some work took with two numbers of rows, the fewer first."""

    rows: tuple[int, int]
    seconds: tuple[float, float]

    def at(self, rows: float) -> float:
        """Return the seconds that it takes with so many rows: along a line, or a power where they grow faster than the rows."""
        (few, more), (first, second) = self.rows, self.seconds
        if rows <= more or second <= 0:
            return second
        slope = (second - first) / (more - few) if more > few else second / more
        line = second + max(slope, FLATTEST * second / more) * (rows - more)
        if more == few or first <= 0 or second <= first:
            return line
        power = min(STEEPEST, math.log(second / first) / math.log(more / few))
        return max(line, second * math.pow(rows / more, power))


class Rows(NamedTuple):
    """The mean numbers of rows of a fold, and those of the test table."""

    training: float
    validation: float
    test: float

    @classmethod
    def of(cls, prepared: PreparedSet, folds: Sequence[int]) -> "Rows":
        """Count those of a prepared set."""
        training, validation = (
            fmean(len(rows(fold)) for fold in folds) for rows in (prepared.training_rows, prepared.validation_rows)
        )
        return cls(training, validation, len(prepared.test))

    def times(self, train: float, test: float) -> "Rows":
        """Return them for a training and a test table so many times as long."""
        return Rows(self.training * train, self.validation * train, self.test * test)


@dataclass(frozen=True)
class Cost:
    """What a configuration took on a few rows: to begin a fold, an epoch (the whole, where it has none), to predict.

    `checkpoint` is the size of its weights, in bytes.
    """

    begin: Line
    epoch: Line
    predict: Line
    has_epochs: bool
    checkpoint: int

    @classmethod
    def from_json(cls, kept: Any) -> "Cost":
        """Read what `asdict` gives, as JSON holds it."""
        lines = {name: Line(tuple(kept[name]["rows"]), tuple(kept[name]["seconds"])) for name in ("begin", "epoch", "predict")}
        return cls(**lines, has_epochs=kept["has_epochs"], checkpoint=kept["checkpoint"])

    def of_all(self, rows: Rows, config: Config, at_once: int) -> float:
        """Return the seconds that all folds, seeds and refits take, so many at once, and their predictions of all rows."""
        refits, epochs, training = len(config.predict.refits), config.train.epochs if self.has_epochs else 1, 0.0
        folds = len(config.trainings) - refits
        for count, learned in ((folds, rows.training), (refits, rows.training + rows.validation)):
            # The folds share what the frozen backbone has read.
            begin = self.begin.at(learned) / (folds if has_features(config) else 1)
            training += math.ceil(count / at_once) * (begin + self.epoch.at(learned) * epochs)
        predicting = folds * self.predict.at(rows.validation) + (folds + refits) * self.predict.at(rows.test)
        if config.model.reader:
            # The validation rows were read with the training rows, and the test rows are read for all folds at once.
            predicting = self.predict.at(rows.test)
        return training + predicting * (1 + len(config.predict.tta))


def has_features(config: Config) -> bool:
    """Return whether the head alone is trained, or an estimator fitted, on features of the backbone that are computed once."""
    return config.model.reader is not None or (config.finetune.train == "head" and config.finetune.feature_views > 0)


def measured_cost(prepared: PreparedSet, config: Config, stop: Stop, kept: Path, within: float = math.inf) -> Cost:
    """Measure what a configuration costs, or read it from `kept`, a file in scratch that its identity names.

    What would not end `within` so many seconds is not measured: then all seconds count as if they grew with the rows.
    Raises InputError for what the libraries refuse.
    """
    if (before := read_kept(kept)) is not None and "checkpoint" in before:
        return Cost.from_json(before)
    fold, began = config.split.folds[0], time.perf_counter()
    kinds = [TRIED_ON.get(kind, OTHERWISE) for kind in prepared.problem.modality.split("+")]
    few, more = (min(count, len(prepared.training_rows(fold))) for count in min(kinds))
    quick, trials = _quick(config), list[_Trial]()
    # The first of the trainings reads the libraries, and does not count if there is time for another.
    for rows in (few, few, more):
        took = time.perf_counter() - began
        if trials and took + max(took / len(trials), sum(trials[-1].seconds)) * rows / few > within:
            break
        trials.append(_tried(_some(prepared, fold, rows), quick, stop))
    first, second = (trials[1:] * 2)[:2] if trials[1:] else (trials[0], trials[0])
    tried = (few, more if len(trials) == 3 else few)
    begin, epoch, predict = (Line(tried, times) for times in zip(first.seconds, second.seconds, strict=True))
    cost = Cost(begin, epoch, predict, second.has_epochs, second.checkpoint)
    if not stop():
        write_json(kept, asdict(cost))
    return cost


def _quick(config: Config) -> Config:
    """The settings with a few epochs, whose parts all take part from the first epoch on."""
    train, finetune = config.train, config.finetune
    epochs = min(train.epochs, max(2, finetune.feature_views if has_features(config) else 0))
    update: dict[str, Any] = {
        "epochs": epochs,
        "warmup_epochs": 0,
        "workers": 0,
        "compile": False,
        # Some schedules refuse so few steps.
        "scheduler": Component(name="ConstantLR", factor=1.0),
        "average": train.average and train.average.model_copy(update={"start": 0}),
        **dict.fromkeys(("continue_from", "profile", "patience")),
    }
    whole = finetune.model_copy(update={"head_epochs": 0, "head_lr": None, "unfreeze_every": None})
    return config.model_copy(update={"train": train.model_copy(update=update), "finetune": whole})


def _some(prepared: PreparedSet, fold: int, count: int) -> PreparedSet:
    """The prepared set with so many of a fold's training rows, and a quarter of that of its validation rows, in their folds."""
    folds = np.full_like(prepared.folds, LEFT_OUT)
    parts = (prepared.training_rows(fold), count, ALWAYS), (prepared.validation_rows(fold), max(count // 4, 16), fold)
    for rows, wanted, number in parts:
        chosen = some_rows(prepared.problem, prepared.train.iloc[rows].reset_index(drop=True), wanted)
        folds[rows[chosen]] = number
    return replace(prepared, folds=folds)


class _Trial(NamedTuple):
    """The seconds that it took to begin, for an epoch, and to predict; whether there are several epochs; the weights' bytes."""

    seconds: tuple[float, float, float]
    has_epochs: bool
    checkpoint: int


def _tried(few: PreparedSet, config: Config, stop: Stop) -> _Trial:
    """Train a fold on a few rows, and predict them."""
    fold, epochs = config.split.folds[0], config.train.epochs

    def late() -> Reason | None:
        return "max_hours" if stop() else None

    def clocked(action: Callable[[], Any]) -> tuple[Any, float]:
        began = time.perf_counter()
        done = action()
        return done, time.perf_counter() - began

    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        try:
            result, whole = clocked(lambda: train_fold(few, fold, config.train.seeds[0], config, Path(folder), stop=late))
        except UndefinedError:
            # So few rows may lack a class: all that is known is how long it took to see that.
            return _Trial((0.0, time.perf_counter() - began, 0.0), epochs > 1, 0)
        rows = np.flatnonzero(few.folds != LEFT_OUT)
        _, predicting = clocked(lambda: predict_fold(result, PreparedRows(few, "train", rows), config.predict))
    epoch = float(result.history["seconds"].mean())
    begin = max(0.0, whole - epoch * len(result.history))
    size = sum(weight.nbytes for weight in result.weights.values())
    return _Trial((begin, epoch, predicting), len(result.history) > 1, size)
