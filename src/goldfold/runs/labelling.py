"""What the models of each fold of a run predict for the test rows, to label these by."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.blending.fits import fit_of
from goldfold.blending.nesting import nested
from goldfold.errors import InputError
from goldfold.files import read_parquet
from goldfold.prepare import PreparedSet
from goldfold.runs.blends import level_one, made_of
from goldfold.runs.run import Run


def labels_by_fold(prepared: PreparedSet, run: Run) -> pd.DataFrame:
    """Return what the models of each fold predict for the test rows: the id, Problem.outputs, and the fold.

    Of a blend it is what its members' models of that fold predict, blended as its nested score blends the fold's rows: by what
    was fitted to the other folds. Raises InputError where there are no predictions by fold, as of an imported run, and for
    other folds than those of `prepared`.
    """
    prepared.problem.require_no_masks("pseudo-labelling by")
    oof, key = run.cv(prepared.problem).oof, prepared.problem.id
    folds, ids = prepared.folds[oof["row"]], prepared.train[key].iloc[oof["row"]]
    if list(folds) != list(oof["fold"]) or list(ids) != list(oof[key]):
        raise InputError(
            f"{run.name} was trained on other folds than those of data/prepared: its models may have seen validation rows",
            mend="run `dvc repro` with the present folds, and label by that run",
        )
    return _by_fold(prepared, run)


def _by_fold(prepared: PreparedSet, run: Run) -> pd.DataFrame:
    if run.is_blend:
        return _blended(prepared, run)
    if not _file(run).is_file():
        raise InputError(f"{run.name} has no test predictions by fold", mend="name the run of a whole pipeline")
    return read_parquet(_file(run))


def _blended(prepared: PreparedSet, blend: Run) -> pd.DataFrame:
    """Blend what the members of a blend predict by fold."""
    settings, members = made_of(blend)
    without = [member.name for member in members if not member.is_blend and not _file(member).is_file()]
    if without:
        raise InputError(
            f"{blend.name} has {len(without)} members without test predictions by fold, as those that are imported",
            without,
            "blend runs of whole pipelines, and label by that blend",
        )
    problem, key, ids = prepared.problem, prepared.problem.id, list(prepared.test[prepared.problem.id])
    level, tables = level_one(prepared, members), [_by_fold(prepared, member) for member in members]
    made = nested(fit_of(problem, settings), level.on(settings.on).values, level.table)
    labelled = []
    for fold, fitted in made.fitted.items():
        of_fold = [table[table["fold"] == fold].set_index(key).loc[ids] for table in tables]
        by_fold = replace(level, test_values=np.stack([problem.predictions(table) for table in of_fold]))
        labels = problem.table(fitted.predict(by_fold.on(settings.on).test_values)).astype(np.float32)
        labelled.append(pd.concat([prepared.test[[key]].reset_index(drop=True), labels], axis=1).assign(fold=fold))
    return pd.concat(labelled, ignore_index=True)


def _file(run: Run) -> Path:
    return run.folder("submission") / "by_fold.parquet"
