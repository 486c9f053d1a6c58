"""Predict images, folders of them or tables of rows, and print the most probable classes."""

import argparse
from pathlib import Path

from goldfold.cli.arguments import RUN, at_least_one
from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.prediction.outside import predict_outside
from goldfold.runs.run import find_run
from goldfold.terminal import show_predictions


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to predict, and by which models."""
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--top", type=at_least_one, default=3, help="classes to print per row")
    parser.add_argument("--run", default="current", help=RUN)
    parser.add_argument("--fold", type=int, help="one fold's models alone")


def run(args: argparse.Namespace) -> None:
    """Print the most probable classes of each image or row, or its values, as the folds' models predict them on average."""
    folds = find_run(args.run).folds(args.fold)
    problem = folds[0].codec.problem
    rows = modality_part(problem.modality, "outside").read_files(args.paths)
    if problem.id in rows:
        rows = rows.set_index(problem.id, drop=False)
    names, predictions, bad = predict_outside(folds, rows)
    if names:
        show_predictions(problem, names, predictions, args.top)
    if bad:
        raise InputError(f"{len(bad)} of {len(rows)} rows cannot be predicted", bad, "replace them, or leave them out")
