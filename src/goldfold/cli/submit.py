"""Check a run's submission, send it to Kaggle, and wait for the score."""

import argparse
from pathlib import Path

from goldfold.cli.arguments import add_run
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.kaggle import ACCELERATORS
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_run
from goldfold.submitting.checks import kaggle_name, tracked_origin
from goldfold.submitting.code import Place, submit_bundle
from goldfold.submitting.files import submit_file
from goldfold.submitting.scores import refresh_scores
from goldfold.tracking.submissions import register


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run, and how to send it."""
    add_run(parser)
    parser.add_argument("-m", "--message", help="shown beside it on Kaggle; by default the run's name and CV")
    parser.add_argument("--wait", type=float, default=10, metavar="MINUTES", help="how long to wait for the score; 10 by default")
    parser.add_argument("--yes", action="store_true", help="do not ask before sending the same file, or bundle, again")
    parser.add_argument("--refresh", action="store_true", help="send nothing, but fetch the scores of earlier submissions")
    parser.add_argument("--register", action="store_true", help="first register its model in MLflow, as the competition's")
    code = parser.add_argument_group("code competitions")
    code.add_argument("--code", action="store_true", help="run the run's bundle on Kaggle and submit that")
    code.add_argument("--bundle", type=Path, metavar="FOLDER", help="by default experiments/bundles/<run>")
    code.add_argument("--name", help="of its data set and notebook on Kaggle; by default the bundle's")
    code.add_argument("--accelerator", choices=ACCELERATORS, help="the kernel's; t4 by default")
    code.add_argument(
        "--private", action=argparse.BooleanOptionalAction, default=True, help="show both to you alone; the default"
    )


def run(args: argparse.Namespace) -> None:
    """Send a submission, as a file or as code, or fetch the scores of earlier ones."""
    if args.refresh:
        refresh_scores(kaggle_name(load_config().competition), PreparedSet.load(PREPARED).problem)
        return
    if args.register:
        # Nothing is registered that cannot be sent.
        kaggle_name(load_config().competition)
        print(f"registered  {register(tracked_origin(find_run(args.run)))}", flush=True)
    if args.code:
        place = Place(args.name, args.accelerator or "t4", args.private)
        submit_bundle(args.run, args.bundle, place, args.message, args.wait * 60, args.yes)
    elif args.bundle or args.name or args.accelerator or not args.private:
        raise InputError("--bundle, --name, --accelerator and --no-private go with --code", mend="add it, or leave them out")
    else:
        submit_file(args.run, args.message, args.wait * 60, args.yes)
