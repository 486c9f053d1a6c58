"""Rehearse the training of a fold on a handful of its rows, and the way from its checkpoint to predictions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from goldfold.competition import Competition
from goldfold.config import Component, Config
from goldfold.engines.folds import places_of
from goldfold.imports import find_modality_part, refused
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows
from goldfold.prepare import PreparedSet
from goldfold.prepare.preparation import gather
from goldfold.prepare.prepared_set import ALWAYS
from goldfold.prepare.subset import some_rows, with_rows
from goldfold.training import FoldResult, train_fold
from goldfold.training.fold import UndefinedError
from goldfold.training.pseudo import read_pseudo_labels
from goldfold.training.reporter import Silent
from goldfold.training.stopping import Reason

BATCH, STEPS = 8, 2
TRAINING_ROWS = {"table": 1000, "text": 300}
"""How many rows are trained on, of the kinds whose rows are read at once: estimators and vocabularies need some."""
OTHER_ROWS = 16
"""Training rows of other kinds, and validation and test rows of all."""


class _Steps(Silent):
    """A reporter that counts the steps, and stops the training after a few."""

    done = 0

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        self.done += 1

    def stop(self) -> Reason | None:
        """Return a reason to stop when the steps are done."""
        return "max_hours" if self.done >= STEPS else None


def rehearse_learning(config: Config, competition: Competition, prepared: PreparedSet, folder: Path) -> None:
    """Train the first fold for a few steps into `folder`, and predict test rows by it.

    Raises InputError for what the libraries refuse, and for more jobs or devices than GPUs.
    """
    places_of(config.runtime, threads=1)
    if config.train.pseudo:
        read_pseudo_labels(config.train.pseudo)
    few = _few(config, competition, prepared, folder)
    quick, steps = _quick(config), _Steps()
    what = f"params.yaml: {config.model.name} cannot be trained on a few rows"
    mend = "correct model, augment or train (loss, optimizer, scheduler, batch_size): the error says which"
    with refused(what, mend):
        try:
            train_fold(few, 0, config.train.seeds[0], quick, folder / "fold", steps, stop=steps.stop)
        except UndefinedError:
            # So few rows may lack a class; whether the metric is defined is seen on all rows.
            return
    with refused(f"params.yaml: {config.model.name} cannot predict by its checkpoint", "correct model, or predict.tta"):
        Ensemble([FoldResult.load(folder / "fold")], quick.predict).predict(PreparedRows(few, "test"))


def _few(config: Config, competition: Competition, prepared: PreparedSet, folder: Path) -> PreparedSet:
    """A prepared set of some training and validation rows of the first fold, which is its fold 0, and of some test rows."""
    problem, fold = prepared.problem, config.split.folds[0]
    counts = [TRAINING_ROWS.get(kind, OTHER_ROWS) for kind in problem.modality.split("+")]
    parts = [(prepared.training_rows(fold), min(counts)), (prepared.validation_rows(fold), OTHER_ROWS)]
    chosen = [rows[some_rows(problem, prepared.train.iloc[rows].reset_index(drop=True), count)] for rows, count in parts]
    rows = np.sort(np.concatenate(chosen))
    few = with_rows(competition, rows, np.arange(min(OTHER_ROWS, len(competition.test))))
    folds = np.where(np.isin(rows, chosen[1]), 0, ALWAYS).astype(np.int16)
    without_audit = config.prepare.model_copy(update={"audit": "off"})
    return gather(few, folds, config.split.model_copy(update={"strategy": "kfold"}), without_audit, folder / "prepared")[0]


def _quick(config: Config) -> Config:
    """The settings with small batches, in this process, and with whatever is drawn by chance each time."""
    train = config.train
    update = {
        "batch_size": min(train.batch_size, BATCH),
        "micro_batch_size": train.micro_batch_size and min(train.micro_batch_size, BATCH),
        "mix_probability": 1.0,
        "workers": 0,
        "compile": False,
        **dict.fromkeys(("profile", "pseudo", "max_hours"), None),
    }
    has_library = find_modality_part(config.competition.modality, "augmentation") is not None
    augment = tuple(Component(**{**change.model_dump(), "p": 1.0}) if has_library else change for change in config.augment)
    predict = config.predict.model_copy(update={"batch_size": None})
    return config.model_copy(update={"train": train.model_copy(update=update), "augment": augment, "predict": predict})
