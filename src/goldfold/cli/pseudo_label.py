"""Label the test rows with a run's models, to train on them."""

import argparse

from goldfold.cli.arguments import add_run
from goldfold.config import PseudoConfig
from goldfold.errors import InputError
from goldfold.files import read_parquet
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED, PSEUDO
from goldfold.runs.run import find_run
from goldfold.training.pseudo import is_sure, save_pseudo_labels


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run."""
    add_run(parser)


def run(args: argparse.Namespace) -> None:
    """Write what the models of each fold of a run predict for the test rows, and print how to train on that.

    Raises InputError for a run without predictions by fold, such as a blend, and for one with other folds than now.
    """
    prepared, labeller = PreparedSet.load(PREPARED), find_run(args.run)
    problem, name = prepared.problem, labeller.tracked_name
    by_fold = labeller.folder("submission") / "by_fold.parquet"
    if not by_fold.is_file():
        raise InputError(f"{labeller.name} has no test predictions by fold", mend="name the run of a whole pipeline, not a blend")
    oof = labeller.cv(problem).oof
    folds, ids = prepared.folds[oof["row"]], prepared.train[problem.id].iloc[oof["row"]]
    if list(folds) != list(oof["fold"]) or list(ids) != list(oof[problem.id]):
        raise InputError(
            f"{labeller.name} was trained on other folds than those of data/prepared: its models may have seen validation rows",
            mend="run `dvc repro` with the present folds, and label by that run",
        )
    table = read_parquet(by_fold)
    path = PSEUDO / f"{name}.parquet"
    save_pseudo_labels(path, prepared, table, name)
    confidence = PseudoConfig(labels=path).confidence
    print(f"{path}: {len(prepared.test)} test rows, as the models of each fold of {name} predict them")
    for fold, rows in table.groupby("fold"):
        sure = int(is_sure(problem, problem.predictions(rows), confidence).sum())
        print(f"fold {fold}      {sure} rows with a confidence of {confidence} or more")
    print("to train on them, in params.yaml or a recipe:")
    print(f"train:\n  pseudo: {{labels: {path}, confidence: {confidence}, soft: false}}")
