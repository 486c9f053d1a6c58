"""`goldfold compare`: is one run better than another?"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_runs, groups_of

if TYPE_CHECKING:
    from goldfold.validation.comparison import Comparison

SHOWN = 5


def compare_runs(names: Sequence[str]) -> None:
    """Compare two runs on the same out-of-fold rows, print what came out, and log it as a run of its own."""
    from goldfold.config import load_config
    from goldfold.prepare import PreparedSet
    from goldfold.tracking.results import log_comparison
    from goldfold.validation.comparison import compare
    from goldfold.validation.same_rows import on_same_rows

    config, prepared = load_config(), PreparedSet.load(PREPARED)
    runs = find_runs(names, config)
    problem = prepared.problem
    results = on_same_rows(problem, {run.name: run.cv(problem) for run in runs})
    groups = groups_of(prepared, runs, results[runs[0].name].oof[problem.id])
    comparison = compare(problem, results, config.validate_, groups)
    show_comparison(comparison)
    with tempfile.TemporaryDirectory() as folder:
        comparison.save(Path(folder))
        print(f"MLflow run  {log_comparison(prepared, comparison, Path(folder))}")


def show_comparison(comparison: "Comparison") -> None:
    """Print a comparison: both scores, their difference and what it is worth, and where it comes from."""
    from goldfold.terminal import number

    width = max(len(name) for name in comparison.names)
    for place, name, score in zip(("first", "second"), comparison.names, comparison.scores, strict=True):
        print(f"{place:<11} {name:<{width}}  {comparison.metric} {number(score)}")
    drawn = f"{comparison.groups} groups of " if comparison.groups else ""
    print(
        f"difference  {comparison.difference:+.3g}, second minus first, {'more' if comparison.maximize else 'less'} is better  "
        f"({comparison.confidence:.0%} interval {comparison.low:+.3g} to {comparison.high:+.3g}, "
        f"{comparison.resamples} paired resamples of {drawn}{comparison.rows} rows)"
    )
    print(f"so          {comparison.verdict}")
    folds = comparison.folds
    told = "  ".join(f"{fold}: {change:+.3g}" for fold, change in zip(folds["fold"], folds["difference"], strict=True))
    gains = folds["difference"] * (1 if comparison.maximize else -1)
    print(f"per fold    {told}  ({comparison.names[1]} is better in {(gains > 0).sum()}, worse in {(gains < 0).sum()})")
    _show_changes(comparison)


def _show_changes(comparison: "Comparison") -> None:
    changed = comparison.changed
    if "turned" not in changed:
        for row in changed.head(SHOWN).to_dict("records"):
            print(f"changed     {next(iter(row.values()))}: loss {row['first_loss']:.4g} → {row['second_loss']:.4g}")
        return
    for turned in ("wrong → right", "right → wrong"):
        ids = list(changed.loc[changed["turned"] == turned].iloc[:, 0])
        more = f" … and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        print(f"rows        {len(ids)} {turned}{': ' if ids else ''}{', '.join(map(str, ids[:SHOWN]))}{more}")
