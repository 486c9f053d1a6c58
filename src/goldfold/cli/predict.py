"""Predict images, folders of images or tables, and print the most probable classes, or write the masks."""

import argparse
from pathlib import Path
from typing import Any

from goldfold.cli.arguments import RUN, at_least_one, whole
from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.inference.sources import OutsideRows
from goldfold.prediction.mask_files import write_masks
from goldfold.runs.run import find_run
from goldfold.terminal import show_answers


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to predict, and the models."""
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--top", type=at_least_one, default=3, help="classes to print per row")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for predicted masks")
    parser.add_argument("--run", default="current", help=RUN)
    parser.add_argument("--fold", type=whole(0), help="use this fold's models alone")


def run(args: argparse.Namespace) -> None:
    """Print the most probable classes, or the values, that a run's models predict for each row, or write its masks."""
    chosen = find_run(args.run)
    ensemble, header = chosen.ensemble(args.fold), chosen.config().competition.header
    problem = ensemble.problem
    table = modality_part(problem.modality, "outside").read_files(args.paths, header)
    if problem.id in table:
        table = table.set_index(problem.id, drop=False)
    rows = OutsideRows(table)
    answers: Any = ensemble.processed(rows) if problem.has_masks else ensemble.answers(rows)
    readable = [row not in rows.unreadable for row in range(len(table))]
    names, answers = table.index.astype("str")[readable], answers[readable]
    if problem.has_masks:
        print("\n".join(write_masks(problem, list(names), answers, args.out)))
    else:
        show_answers(problem, names, answers, args.top)
    if rows.unreadable:
        reasons = [f"{names[row]}: {reason}" for row, reason in sorted(rows.unreadable.items())]
        raise InputError(f"{len(reasons)} of {len(table)} rows cannot be predicted", reasons, "replace them, or leave them out")
