"""`goldfold prune`: room on the disk."""

import sys
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import CURRENT, PREPARED

if TYPE_CHECKING:
    from goldfold.tracking.prune import Pruning

SHOWN = 20


def prune_runs(keep: int, yes: bool) -> None:
    """Say which runs of the prepared competition would lose their checkpoints, and what that frees; ask; delete them."""
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import repository
    from goldfold.tracking import read_origin
    from goldfold.tracking.prune import carry_out, plan_pruning
    from goldfold.tracking.store import Store

    problem = PreparedSet.load(PREPARED).problem
    store = Store(repository())
    current = read_origin(CURRENT / "tracking" / "predict.json").get("name", "")
    pruning = plan_pruning(store, problem.name, problem.scored_by, keep, current, problem.metric_args)
    show_pruning(pruning, problem.name, problem.scored_by.name)
    if not pruning.losing:
        return
    if not yes:
        _ask(len(pruning.losing))
    carry_out(store, pruning)
    print(f"deleted     the checkpoints of {_runs(len(pruning.losing))}; their scores, predictions and reports stay")


def show_pruning(pruning: "Pruning", experiment: str, metric: str) -> None:
    """Print which runs keep their checkpoints and why, which lose them, and what that frees."""
    from goldfold.terminal import number

    for holder in pruning.holders[:SHOWN]:
        score = f"{metric} {number(holder.score)}" if holder.score is not None else f"no {metric}"
        print(f"{'keeps' if holder.keeps else 'loses':<11} {holder.name:<24} {score:<20} {holder.keeps}".rstrip())
    if len(pruning.holders) > SHOWN:
        print(f"            … and {len(pruning.holders) - SHOWN} more runs")
    if not pruning.losing:
        print(f"nothing     {_runs(len(pruning.holders))} of {experiment} with checkpoints, and all keep them")
        return
    print(f"frees       {pruning.freed / 1e6:.1f} MB, by the checkpoints of {_runs(len(pruning.losing))} of {experiment}")
    if pruning.shared:
        told = "of these checkpoints are in DVC's cache too, or in runs that keep theirs, and stay on the disk"
        print(f"stays       {pruning.shared / 1e6:.1f} MB {told}")
        print("            dvc gc --all-commits --dry says what DVC's cache would free, dvc gc --all-commits frees it")


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _ask(runs: int) -> None:
    """Raise InputError where there is no one to ask; end the command where the answer is no."""
    if not sys.stdin.isatty():
        raise InputError("nothing was deleted: there is no terminal to ask in", mend="add --yes where you are sure")
    if input(f"Delete the checkpoints of {_runs(runs)}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise SystemExit(1)
