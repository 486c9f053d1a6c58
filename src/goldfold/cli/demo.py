"""Write the embedded competition (a stage of data/demo/dvc.yaml)."""

import argparse
from pathlib import Path

from goldfold.competition.demo import write_digits


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder for its files and the file for its test labels."""
    parser.add_argument("folder", type=Path)
    parser.add_argument("solution", type=Path)


def run(args: argparse.Namespace) -> None:
    """Write its files."""
    write_digits(args.folder, args.solution)
