"""Member: predictions that were made elsewhere, as a result like any other."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.members.reading import Predicted
from goldfold.metrics import Array
from goldfold.prediction import Submission
from goldfold.prepare import PreparedSet
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import scored


@dataclass(frozen=True)
class Member:
    """Out-of-fold and test predictions with their score, their submission, and where they came from.

    Files: cv/ (see CVResult), submission/ (see Submission), member.json, and code/ where a command came with it.
    """

    name: str
    cv: CVResult = field(repr=False)
    submission: Submission = field(repr=False)
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def test(self) -> pd.DataFrame:
        """The test predictions, a row per id."""
        return self.submission.predictions

    def values(self, table: pd.DataFrame) -> Array:
        """The predictions in one of its tables, in the shape that metrics take."""
        return self.cv.problem.predictions(table)

    def save(self, folder: Path) -> None:
        """Write the files, all or none; raises InputError for a submission that would break its contract."""
        with folder_written_whole(folder) as draft:
            self.cv.save(draft / "cv")
            self.submission.save(draft / "submission")
            write_json(draft / "member.json", {"name": self.name, **self.source})
            if "code" in self.source:
                shutil.copytree(self.source["code"], draft / "code", ignore=shutil.ignore_patterns("__pycache__", ".git"))


def member_of(
    name: str,
    prepared: PreparedSet,
    config: Config,
    predicted: tuple[Predicted, Predicted],
    files: Mapping[str, str],
) -> Member:
    """Make a member of predictions of the rows that split.folds validate, and of the test rows, each in the table's order.

    `files` are where they came from, with the hash of each.

    Raises InputError where the folds have no row.
    """
    oof, test = predicted
    problem, rows = prepared.problem, np.flatnonzero(np.isin(prepared.folds, config.split.folds))
    if not len(rows):
        raise InputError("no fold of split.folds has a row", mend="set split.folds to folds of data/prepared")
    own = "unknown" if oof.folds is None else _compared(prepared.folds[rows], oof.folds.to_numpy())
    groups = prepared.groups(config.split.group) if config.split.group else None
    table = prepared.train.iloc[rows].reset_index(drop=True)[list(problem.columns)]
    position = pd.DataFrame({"row": rows, "fold": prepared.folds[rows]})
    cv = scored(problem, pd.concat([position, table, problem.table(oof.values)], axis=1), config.validate_, groups)
    known = prepared.test[[column for column in problem.columns if column in prepared.test]].reset_index(drop=True)
    answers = pd.concat([known, problem.table(test.values)], axis=1)
    return Member(name, cv, Submission(problem, prepared.sample, answers, cv.postprocess.steps), {"files": files, "folds": own})


def _compared(ours: Array, theirs: Array) -> str:
    """Whether its own folds are those of the split."""
    pairs = pd.crosstab(ours, theirs).to_numpy() > 0
    same = bool((pairs.sum(axis=0) == 1).all() and (pairs.sum(axis=1) == 1).all())
    return "the split's" if same else f"others: {pairs.shape[1]} of its own, across the split's {pairs.shape[0]}"
