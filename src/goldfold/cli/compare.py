"""Compare two runs on the same out-of-fold rows: is their difference more than noise?"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from goldfold.as_json import Answer
from goldfold.config import load_config
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED, REPORTS
from goldfold.runs.run import find_runs, groups_of
from goldfold.terminal.runs import show_comparison
from goldfold.tracking.results import PAGE, log_comparison
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison, Expected, compare
from goldfold.validation.same_rows import on_same_rows

UNMET = 4
"""The exit code where the second run is not what was expected."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add two runs."""
    parser.add_argument("runs", nargs=2, metavar="run", help="the name or id of an MLflow run, or current")
    expected = "exit with 4 unless the second is better than the first, or not worse, by more than noise"
    parser.add_argument("--html", action="store_true", help="write a page with the rows on which they differ most")
    parser.add_argument("--expect", choices=get_args(Expected), help=expected)


def run(args: argparse.Namespace) -> Answer:
    """Compare two runs on the same out-of-fold rows, print the comparison, and log it as a run of its own."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    runs, problem = find_runs(args.runs), prepared.problem
    results = on_same_rows(problem, {run.name: run.cv(problem) for run in runs})
    groups = groups_of(prepared, runs, results[runs[0].name].oof[problem.id])
    comparison = compare(problem, results, config.validate_, groups)
    show_comparison(comparison)
    page = _page(prepared, comparison, results) if args.html else None
    with tempfile.TemporaryDirectory() as folder:
        comparison.save(Path(folder))
        if page:
            shutil.copyfile(page, Path(folder) / PAGE)
        print(f"MLflow run  {log_comparison(prepared, comparison, Path(folder))}")
    met = args.expect is None or comparison.is_what(args.expect)
    if not met:
        print(f"expected    {args.expect}, and it is not: {comparison.verdict}")
    return {**comparison.to_json(), "expected": args.expect, "page": page, "exit_code": 0 if met else UNMET}


def _page(prepared: PreparedSet, comparison: Comparison, results: Mapping[str, CVResult]) -> Path:
    """Write the page of a comparison, and return where it is."""
    # Pages with pictures import much that a comparison does without.
    from goldfold.report import save_report
    from goldfold.report.side_by_side import build_comparison

    path = REPORTS / f"compare {comparison.names[0]} {comparison.names[1]}.html"
    save_report(build_comparison(prepared, comparison, results), path)
    print(f"page        {path}: one file, for any browser")
    return path
