"""Check environment, data, settings, disk, tracking store and credentials."""

import argparse
from pathlib import Path

from goldfold.doctor import examine
from goldfold.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> None:
    """Print a line per check; exit with 2 if one finds something wrong."""
    if not Path("params.yaml").is_file():
        raise InputError(f"there is no params.yaml in {Path.cwd()}", mend="run this in the root of the repository")
    is_wrong = False
    for result in examine():
        mend = f"; to mend it: {result.mend}" if result.mend else ""
        print(f"{result.state:<6} {result.name:<11}  {result.message}{mend}", flush=True)
        is_wrong |= result.state == "wrong"
    if is_wrong:
        raise SystemExit(2)
