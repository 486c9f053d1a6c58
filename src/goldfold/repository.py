"""The door for notebooks: a repository with its data, its folds, its runs, and each step of the pipeline.

It prints nothing, and raises InputError for what is wrong. Paths are those of the repository, wherever the notebook lies.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Problem, read_competition
from goldfold.config import REFIT, Config, load_config, parse_config
from goldfold.config.recipe import with_values
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import Run, all_runs, find_run
from goldfold.scratch import scratch_folder
from goldfold.tables import read_text_table

if TYPE_CHECKING:
    from torch import nn

    from goldfold.bundle import Bundle
    from goldfold.prediction import Submission
    from goldfold.training import FoldResult
    from goldfold.validation import CVResult, Scores

FILES = ("params.yaml", "dvc.yaml")


def open_repository(path: str | Path | None = None) -> "Repository":
    """Open the repository in `path`, or the one that the working directory lies in; raises InputError where there is none.

    >>> import goldfold
    >>> repo = goldfold.open()
    >>> repo.config.competition.metric.name
    'accuracy'
    """
    start = Path(path or ".").resolve()
    folders = [start] if path else [start, *start.parents]
    root = next((folder for folder in folders if all((folder / name).is_file() for name in FILES)), None)
    if root is None:
        raise InputError(
            f"there is no goldfold repository in {start}", mend="goldfold.open(PATH) takes the folder of params.yaml"
        )
    with chdir(root):
        return Repository(root, load_config())


@dataclass(frozen=True)
class Repository:
    """A goldfold repository: its folder, and the settings of params.yaml. What is read from the disk is read once."""

    root: Path
    config: Config

    def with_settings(self, settings: Mapping[str, Any]) -> "Repository":
        """Return the repository with other settings, by dotted key; params.yaml stays as it is.

        >>> repo.with_settings({"train.lr": 0.5}).config.train.lr
        0.5
        """
        tree = with_values(self.config.model_dump(mode="json", by_alias=True), settings)
        return replace(self, config=parse_config(tree, "the settings"))

    @cached_property
    def prepared(self) -> PreparedSet:
        """What `dvc repro prepare` made."""
        return PreparedSet.load(self.root / PREPARED)

    @property
    def problem(self) -> Problem:
        """What is predicted from what, and how it is scored.

        >>> repo.problem.task, repo.problem.classes
        ('binary', ('no', 'yes'))
        """
        return self.prepared.problem

    @property
    def train(self) -> pd.DataFrame:
        """The training rows, in the order of the training table, and after them those of competition.extra.

        >>> repo.train.shape
        (120, 5)
        """
        return self.prepared.train

    @property
    def test(self) -> pd.DataFrame:
        """The test rows."""
        return self.prepared.test

    def folds(self) -> list[tuple[Array, Array]]:
        """Return the folds of split.folds as positions in `train`: the rows to train on, and those to validate on.

        It is what scikit-learn takes as `cv`.

        >>> [(len(training), len(validation)) for training, validation in repo.folds()]
        [(80, 40), (80, 40), (80, 40)]
        """
        return [(self.prepared.training_rows(fold), self.prepared.validation_rows(fold)) for fold in self.config.split.folds]

    def score(self, oof: Array | pd.Series | pd.DataFrame) -> "Scores":
        """Score out-of-fold predictions by the competition's metric, with its interval, as the pipeline's are scored.

        `oof` has a row for each of `train`, in its order, or is a table with the ids as its index: values; labels; or
        probabilities, of the second class, or a column per class in the order of `problem.names`, or with those names or those of
        `problem.outputs`. Rows that no fold validates may be missing or NaN.

        >>> repo.score([1.0 if x > 0 else 0.0 for x in repo.train["x1"]]).metric
        'accuracy'
        """
        from goldfold.validation.cross_validation import scored
        from goldfold.validation.oof import oof_table

        prepared = self.prepared
        rows = np.concatenate([validation for _, validation in self.folds()])
        groups = prepared.groups(self.config.split.group)
        return scored(self.problem, oof_table(prepared, rows, oof), self.config.validate_, groups).scores

    def runs(self) -> pd.DataFrame:
        """List the runs that the competition's metric scored, oldest first: their score, its interval, and what they changed.

        >>> list(repo.runs()["name"])
        ['mine']
        """
        from goldfold.leaderboard import standings

        with self.inside():
            standing, _ = standings(all_runs(self.problem.name), self.problem.scored_by, self.problem.metric_args)
        rows = [
            {
                "name": run.name,
                "score": run.cv,
                "low": run.low,
                "high": run.high,
                **run.scores,
                "started": run.started,
                "seconds": run.seconds,
                "changed": ", ".join(run.change.words),
            }
            for run in standing
        ]
        columns = ["name", "score", "low", "high", "public", "private", "test", "started", "seconds", "changed"]
        return pd.DataFrame(rows, columns=columns)

    def run(self, name: str = "current") -> "Result":
        """Find the current result, or the MLflow run of that name or id.

        >>> repo.run().scores.metric
        'accuracy'
        """
        with self.inside():
            return Result(self, find_run(name))

    def add(self, name: str, oof: Array, test: Array, force: bool = False) -> "Result":
        """Take in predictions that were made elsewhere as a run; both have the rows of `train` and `test` in their order.

        Probabilities or values, (n,) or (n, outputs). Raises InputError for what the gates find (docs/members.md), unless
        `force`.

        >>> oof, test = (0.2 + 0.6 * (table["x1"] > 0) for table in (repo.train, repo.test))
        >>> repo.add("by-hand", oof, test, force=True).scores.metric
        'accuracy'
        """
        from goldfold.members import member_of
        from goldfold.members.reading import in_order
        from goldfold.runs.importing import neighbours_of, require_free_name, take_in

        prepared, config = self.prepared, self.config
        validated = np.isin(prepared.folds, config.split.folds)
        predicted = (
            in_order(oof, prepared.problem, validated, "oof"),
            in_order(test, prepared.problem, np.ones(len(prepared.test), dtype=bool), "test"),
        )
        with self.inside():
            require_free_name(name)
            member = member_of(name, prepared, config, predicted, {})
            take_in(prepared, config, member, neighbours_of(prepared, [name]), force)
        return self.run(name)

    def competition(self) -> Competition:
        """Read the competition's files.

        >>> len(repo.competition().test)
        20
        """
        with self.inside():
            return read_competition(self.config.competition, self.config.prepare)

    def prepare(self, competition: Competition) -> PreparedSet:
        """Prepare a competition, apart from data/prepared.

        >>> prepared = repo.prepare(repo.competition())
        >>> prepared.fingerprint == repo.prepared.fingerprint
        True
        """
        from goldfold.prepare.apart import prepare_apart

        with self.inside():
            return prepare_apart(self.config, scratch_folder(), competition)

    def train_fold(self, prepared: PreparedSet, fold: int, seed: int | None = None) -> "FoldResult":
        """Train one fold, by the first of train.seeds; what is trained already with these settings is taken over.

        >>> folds = [repo.train_fold(prepared, fold) for fold in repo.config.split.folds]
        """
        from goldfold.engines.folds import threads_of
        from goldfold.training import train_fold
        from goldfold.training.device import use_threads

        seed = self.config.train.seeds[0] if seed is None else seed
        with self.inside(), use_threads(threads_of(self.config.runtime, prepared)):
            scratch = scratch_folder()
            return train_fold(prepared, fold, seed, self.config, scratch / "notebook" / str(fold) / str(seed), scratch=scratch)

    def refit(self, prepared: PreparedSet, folds: "Sequence[FoldResult]") -> "list[FoldResult]":
        """Train the models on all rows that predict.refit asks for, as long as the folds were; `predict` takes both together.

        >>> repo.refit(prepared, folds)
        []
        """
        from goldfold.engines.folds import length_of, threads_of
        from goldfold.training import train_fold
        from goldfold.training.device import use_threads

        with self.inside(), use_threads(threads_of(self.config.runtime, prepared)):
            scratch, length = scratch_folder(), length_of(folds)
            targets = {seed: scratch / "notebook/refit" / str(seed) for seed in self.config.predict.refits}
            return [
                train_fold(prepared, REFIT, seed, self.config, target, scratch=scratch, length=length)
                for seed, target in targets.items()
            ]

    def validate(self, prepared: PreparedSet, folds: "Sequence[FoldResult]") -> "CVResult":
        """Predict the validation rows of folds, and score them.

        >>> cv = repo.validate(prepared, folds)
        >>> cv.scores.rows
        120
        """
        from goldfold.validation.cross_validation import validate

        with self.inside():
            return validate(
                prepared, folds, self.config.validate_, self.config.predict, self.config.split.group, scratch_folder()
            )

    def predict(self, prepared: PreparedSet, folds: "Sequence[FoldResult]", cv: "CVResult") -> "Submission":
        """Predict the test rows by the folds' models, with the post-processing that validation fitted.

        >>> submission = repo.predict(prepared, folds, cv)
        >>> submission.table.shape
        (20, 2)
        """
        from goldfold.inference.ensemble import Ensemble
        from goldfold.prediction.test_set import predict

        with self.inside():
            ensemble = Ensemble(folds, self.config.predict, cv.postprocess.steps)
            return predict(prepared, ensemble, scratch_folder())

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Work in the repository's folder for a while."""
        with chdir(self.root):
            yield


@dataclass(frozen=True)
class Result:
    """A run of a repository, with what it predicted.

    >>> result = repo.run("current")
    """

    repository: Repository
    run: Run

    @property
    def name(self) -> str:
        """Its name in MLflow."""
        return self.run.tracked_name

    @cached_property
    def cv(self) -> "CVResult":
        """Its cross-validation."""
        with self.repository.inside():
            return self.run.cv(self.repository.problem)

    @property
    def scores(self) -> "Scores":
        """Its out-of-fold score, the interval, and that of each fold."""
        return self.cv.scores

    @property
    def oof(self) -> pd.DataFrame:
        """Its out-of-fold predictions, with the row of each in the training table.

        >>> list(result.oof.columns)
        ['row', 'fold', 'id', 'answer', 'p_yes']
        """
        return self.cv.oof

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Its test predictions, in the order of the test table.

        >>> list(result.predictions.columns)
        ['id', 'p_yes']
        """
        problem = self.repository.problem
        with self.repository.inside():
            return self.run.predictions(problem, self.repository.test[problem.id])

    @cached_property
    def submission(self) -> pd.DataFrame:
        """Its submission.csv, as texts; raises InputError where it breaks the contract.

        >>> sorted(result.submission["answer"].unique())
        ['no', 'yes']
        """
        with self.repository.inside():
            path = self.run.submission(self.repository.prepared)
            return read_text_table(path).cells

    def folds(self) -> "list[FoldResult]":
        """Load its folds as training left them: how each went, and its checkpoint.

        >>> [fold.rows["training"] for fold in result.folds()]
        [80, 80, 80]
        """
        with self.repository.inside():
            return self.run.folds()

    def model(self, fold: int) -> "nn.Module":
        """Load the network of a fold, by the first of its seeds, with the weights of its best epoch.

        >>> result.model(0).training
        False
        """
        with self.repository.inside():
            return self.run.folds(fold)[0].build_model().eval()

    def bundle(self) -> "Bundle":
        """Gather what a code competition needs of it; `Bundle.save` writes that to a folder."""
        from goldfold.bundle import Bundle

        with self.repository.inside():
            return Bundle(self.name, self.run.config(), self.run.ensemble())
