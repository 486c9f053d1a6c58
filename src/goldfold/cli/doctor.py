"""Check environment, data, settings, disk, tracking store and credentials."""

import argparse
from pathlib import Path

from goldfold.doctor import examine
from goldfold.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes none."""


def run(args: argparse.Namespace) -> None:
    """Print a line per check; exit with 2 where something is wrong."""
    if not Path("params.yaml").is_file():
        raise InputError(f"there is no params.yaml in {Path.cwd()}", mend="run this in the root of the repository")
    count = 0
    for result in examine():
        mend = f"; to mend it: {result.mend}" if result.mend else ""
        print(f"{result.state:<6} {result.name:<11}  {result.message}{mend}", flush=True)
        count += result.state == "wrong"
    if count:
        raise SystemExit(2)
