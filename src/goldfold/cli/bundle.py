"""Write a run as one folder that predicts offline, for a code competition."""

import argparse
from pathlib import Path

from goldfold.bundle import Bundle
from goldfold.bundle.rerun import measure
from goldfold.cli.arguments import add_run, at_least_one, positive
from goldfold.imports import modality_part
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import BUNDLES, PREPARED
from goldfold.runs.run import find_run
from goldfold.terminal import clock


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run, and the limits of the competition."""
    add_run(parser)
    parser.add_argument("--out", type=Path, help="the folder; by default experiments/bundles/<run>")
    parser.add_argument("--data", type=Path, help="where the notebook finds the competition; by default /kaggle/input/<name>")
    parser.add_argument("--test-rows", type=at_least_one, help="the rows of the hidden test set; by default the test table's")
    parser.add_argument("--hours", type=positive, default=9.0, help="the competition's limit; 9 by default")
    parser.add_argument("--megabytes", type=positive, default=20_000, help="the largest size of the folder; 20,000 by default")
    parser.add_argument("--wheels", nargs="+", default=[], metavar="PACKAGE", help="packages to bring along, in the version here")


def run(args: argparse.Namespace) -> None:
    """Write a run's bundle, and print its size and how long it will take, as measured here on test rows."""
    chosen = find_run(args.run)
    bundle = Bundle(chosen.tracked_name, chosen.config(), chosen.ensemble())
    modality_part(bundle.problem.modality, "outside")
    folder = args.out or BUNDLES / bundle.name
    size = bundle.save(folder, args.data or Path("/kaggle/input") / bundle.problem.name, args.megabytes, args.wheels)
    views, count = 1 + len(bundle.config.predict.tta), bundle.ensemble.checkpoints
    models = f"{count} models x {views} view{'s' * (views > 1)}"
    print(f"bundle      {folder}: {size / 1e6:.1f} MB of {args.megabytes:g}, {count} models; its notebook is predict.ipynb")
    pace = measure(bundle, Path(bundle.config.competition.path))
    rows = args.test_rows or len(PreparedSet.load(PREPARED).test)
    seconds = pace.seconds(rows)
    print(f"time        {clock(seconds)} of {args.hours:g} hours for {rows} test rows x {models}")
    print(f"            at {1 / pace.row:.0f} rows/s, measured here on {pace.rows} rows, from their files to the submission")
    if seconds > args.hours * 3600:
        print("TOO SLOW    for the competition: fewer folds, seeds or predict.tta, a smaller model, or a faster machine there")
