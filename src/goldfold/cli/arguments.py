"""Arguments that several commands take."""

import argparse
import re
from collections.abc import Callable

RUN = "the name or id of an MLflow run; else the current result"


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add a run, by default the current result."""
    parser.add_argument("run", nargs="?", default="current", help=RUN)


def add_fold(parser: argparse.ArgumentParser) -> None:
    """Add the option --fold."""
    parser.add_argument("--fold", type=whole(0), help="by default the first of split.folds")


def whole(least: int, most: int = 10**9) -> Callable[[str], int]:
    """Return what parses a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else -1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"give a whole number from {least} to {most:,}, not {text}")
        return number

    return parse


at_least_one = whole(1)


def positive(text: str) -> float:
    """Parse a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"give a number above 0, not {text}")
    return number
