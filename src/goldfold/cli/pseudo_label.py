"""Label the test rows with the models of a run or a blend, to train on them."""

import argparse

from goldfold.cli.arguments import add_run
from goldfold.config import PseudoConfig
from goldfold.prepare import PreparedSet
from goldfold.runs.labelling import labels_by_fold
from goldfold.runs.paths import PREPARED, PSEUDO
from goldfold.runs.run import find_run
from goldfold.training.pseudo import is_sure, save_pseudo_labels


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run."""
    add_run(parser)


def run(args: argparse.Namespace) -> None:
    """Write what the models of each fold predict for the test rows, and print how to train on that."""
    prepared, labeller = PreparedSet.load(PREPARED), find_run(args.run)
    problem, name = prepared.problem, labeller.tracked_name
    table = labels_by_fold(prepared, labeller)
    path = PSEUDO / f"{name}.parquet"
    save_pseudo_labels(path, prepared, table, name)
    confidence = PseudoConfig(labels=path).confidence
    print(f"{path}: {len(prepared.test)} test rows, as the models of each fold of {name} predict them")
    for fold, rows in table.groupby("fold"):
        sure = int(is_sure(problem, problem.predictions(rows), confidence).sum())
        print(f"fold {fold}      {sure} rows with a confidence of {confidence} or more")
    print("to train on them, in params.yaml or a recipe:")
    print(f"train:\n  pseudo: {{labels: {path}, confidence: {confidence}, soft: false}}")
