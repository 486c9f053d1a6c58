"""Delete the checkpoints of all runs except the best and the submitted ones, and what a cluster left, after asking."""

import argparse
import sys

from goldfold.cli.arguments import at_least_one
from goldfold.config import load_config
from goldfold.engines import storage
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import ORIGIN, PREPARED
from goldfold.terminal.runs import count_of_runs, show_pruning
from goldfold.tracking import Origin
from goldfold.tracking.delivery import open_store
from goldfold.tracking.prune import carry_out, plan_pruning


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add how many runs keep their checkpoints."""
    parser.add_argument("--keep", type=at_least_one, default=10, help="how many of the best runs keep theirs; 10 by default")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> None:
    """Say what would be deleted, and the space that frees; ask; delete it."""
    address = load_config().runtime.storage
    if address:
        _prune_storage(address, args.yes)
    _prune_runs(args)


def _prune_runs(args: argparse.Namespace) -> None:
    """Delete the checkpoints of runs of the prepared competition."""
    problem, store, current = PreparedSet.load(PREPARED).problem, open_store(), Origin.load(ORIGIN)
    kept = current.name if current else ""
    pruning = plan_pruning(store, problem.name, problem.scored_by, args.keep, kept, problem.metric_args)
    show_pruning(pruning, problem.name, problem.scored_by.name)
    if not pruning.losing:
        return
    losing = count_of_runs(len(pruning.losing))
    if not args.yes:
        _ask(f"the checkpoints of {losing}")
    carry_out(store, pruning)
    print(f"deleted     the checkpoints of {losing}; their scores, predictions and reports stay")


def _prune_storage(address: str, yes: bool) -> None:
    """Delete what a cluster's nodes shared, but for the prepared set."""
    stale = storage.stale(address, PreparedSet.load(PREPARED).fingerprint)
    if not stale:
        return
    what = f"{len(stale)} other prepared sets, files and unfinished trainings in {address}"
    print(f"frees       {sum(map(storage.size, stale)) / 1e6:.1f} MB, by {what}")
    if not yes:
        _ask(what)
    for place in stale:
        storage.remove(place)
    print(f"deleted     {what}")


def _ask(what: str) -> None:
    """Ask for confirmation; raises InputError without a terminal, and SystemExit if the answer is no."""
    if not sys.stdin.isatty():
        raise InputError("nothing was deleted: there is no terminal to ask in", mend="add --yes if you are sure")
    if input(f"Delete {what}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise SystemExit(1)
