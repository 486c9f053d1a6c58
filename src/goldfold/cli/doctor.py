"""Check environment, data, settings, disk, tracking store and credentials."""

import argparse
from dataclasses import asdict
from pathlib import Path

from goldfold.as_json import Answer
from goldfold.doctor import examine
from goldfold.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> Answer:
    """Print a line per check; exit with 2 if one finds something wrong."""
    if not Path("params.yaml").is_file():
        raise InputError(f"there is no params.yaml in {Path.cwd()}", mend="run this in the root of the repository")
    results = []
    for result in examine():
        mend = f"; to mend it: {result.mend}" if result.mend else ""
        print(f"{result.state:<6} {result.name:<11}  {result.message}{mend}", flush=True)
        results.append(asdict(result))
    return {"checks": results, "exit_code": 2 if any(result["state"] == "wrong" for result in results) else 0}
