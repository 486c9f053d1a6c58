"""Arguments that several commands take."""

import argparse

RUN = "the name or id of an MLflow run; else the current result"


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add a run, by default the current result."""
    parser.add_argument("run", nargs="?", default="current", help=RUN)


def add_fold(parser: argparse.ArgumentParser) -> None:
    """Add the option --fold."""
    parser.add_argument("--fold", type=int, help="by default the first of split.folds")


def at_least_one(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number of at least 1, not {text}")
    return int(text)
