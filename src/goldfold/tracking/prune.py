"""Delete checkpoints of a competition's runs, and say how much space that frees."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.metrics import Metric
from goldfold.tracking.files import MODEL, local_folder, model_folder
from goldfold.tracking.store import FOLD, MEMBERS, Store, is_scored_by, metric_name
from goldfold.tracking.submissions import TAG

PRUNED = "goldfold.pruned"
FOLDERS = ("folds", MODEL)
"""The folders of a run's artifacts that hold checkpoints; its model may have a place of its own."""


@dataclass(frozen=True)
class Holder:
    """A run with checkpoints, its score, and why it keeps them: an empty text if it does not."""

    name: str
    id: str
    score: float | None
    keeps: str
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class Pruning:
    """The runs with checkpoints, best first; the bytes that are freed, and those that are not because other files share them."""

    holders: Sequence[Holder]
    freed: int
    shared: int

    @property
    def losing(self) -> list[Holder]:
        """The runs that lose their checkpoints."""
        return [holder for holder in self.holders if not holder.keeps]


def plan_pruning(
    store: Store, experiment: str, metric: Metric, keep: int, current: str, arguments: Mapping[str, Any] | None = None
) -> Pruning:
    """Plan to keep the checkpoints of the `keep` best runs, of submitted ones and members of submitted blends, of the `current`
    one, and of those that are still running or have no score; raises InputError if the artifacts are on a server.
    """
    runs = _parents(store, experiment)
    if any(local_folder(run.info.artifact_uri) is None for run in runs):
        raise InputError("the runs' artifacts are on a server", mend="prune there, by `mlflow gc` or the server's own tools")
    with_checkpoints = [run for run in runs if _folders(store, run)]
    name = metric_name(metric.name)
    scores = {
        run.info.run_id: run.data.metrics.get(name) if is_scored_by(run.data.tags, arguments) else None
        for run in with_checkpoints
    }
    ranked = sorted(with_checkpoints, key=lambda run: _rank(scores[run.info.run_id], metric))
    best = [run.info.run_id for run in ranked if scores[run.info.run_id] is not None][:keep]
    submitted = [run for run in runs if _is_submitted(run)]
    members = {member for run in submitted for member in re.findall(r"\(([^()]+)\)", run.data.tags.get(MEMBERS, ""))}
    holders = []
    for run in ranked:
        reasons = {
            "submitted": _is_submitted(run),
            "in a submitted blend": run.info.run_id in members or run.info.run_name in members,
            f"among the best {keep}": run.info.run_id in best,
            "the current result": run.info.run_name == current,
            "running": run.info.status == "RUNNING",
            f"no {metric.name}": scores[run.info.run_id] is None,
        }
        why = next((reason for reason, holds in reasons.items() if holds), "")
        holders.append(Holder(run.info.run_name, run.info.run_id, scores[run.info.run_id], why, _folders(store, run)))
    return Pruning(holders, *_space(folder for holder in holders if not holder.keeps for folder in holder.folders))


def carry_out(store: Store, pruning: Pruning) -> None:
    """Delete the checkpoints of the runs that lose them, and set a tag on these runs."""
    for holder in pruning.losing:
        for folder in holder.folders:
            shutil.rmtree(folder)
        store.client.set_tag(holder.id, PRUNED, datetime.now(UTC).strftime("%Y-%m-%d"))


def _is_submitted(run: Any) -> bool:
    return any(name.startswith(TAG) for name in run.data.tags)


def _parents(store: Store, experiment: str) -> list[Any]:
    """Return the runs of an experiment without their folds, newest first."""
    newest_first = ["attributes.start_time DESC"]
    runs = store.client.search_runs([store.experiment(experiment)], order_by=newest_first, max_results=10_000)
    return [run for run in runs if FOLD not in run.data.tags]


def _folders(store: Store, run: Any) -> tuple[Path, ...]:
    root = local_folder(run.info.artifact_uri) or Path()
    folders = [*(root / name for name in FOLDERS), model_folder(store.client, run)]
    return tuple(folder for folder in folders if folder and folder.is_dir())


def _rank(score: float | None, metric: Metric) -> float:
    if score is None:
        return float("inf")
    return -score if metric.maximize else score


def _space(folders: Iterable[Path]) -> tuple[int, int]:
    """Return the bytes that deleting the folders frees, and those that it does not because other files share them."""
    files = [os.stat(path) for folder in folders for path in folder.rglob("*") if path.is_file()]
    links_here = Counter((file.st_dev, file.st_ino) for file in files)
    sizes = {(file.st_dev, file.st_ino): (file.st_size, file.st_nlink) for file in files}
    freed = sum(size for inode, (size, links) in sizes.items() if links == links_here[inode])
    return freed, sum(size for size, _ in sizes.values()) - freed
