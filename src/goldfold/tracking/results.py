"""Results that are tracked: found by their run, and logged where no stage made them, as comparisons and blends."""

import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.prediction.blend import Blend
from goldfold.prepare import PreparedSet
from goldfold.scratch import repository
from goldfold.tracking.delivery import send
from goldfold.tracking.record import Record
from goldfold.tracking.stage import cv_content, provenance, submission_files
from goldfold.tracking.store import FOLD, KEY, Store, Unreachable
from goldfold.validation.comparison import Comparison

LEADERBOARD, MEMBERS = "leaderboard", "goldfold.members"


@dataclass(frozen=True)
class TrackedResult:
    """The MLflow run of a pipeline result or a blend; `params` are params.yaml's, flat, and `metrics` the last of each.

    It was begun at `started` (UTC), and its folds' trainings took `seconds` in all, which `all_of` alone knows.
    """

    store: Store
    experiment: str
    name: str
    id: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    started: datetime
    seconds: float = 0.0

    @classmethod
    def find(cls, name: str) -> "TrackedResult":
        """The run of that name or id; raises InputError where there is none, or the store does not answer."""
        store = _store()
        run = store.find(name)
        return cls._of(store, store.client.get_experiment(run.info.experiment_id).name, run)

    @classmethod
    def all_of(cls, experiment: str) -> "list[TrackedResult]":
        """Every run of an experiment that is no fold, oldest first; raises InputError where the store does not answer."""
        store = _store()
        runs = store.all_runs(experiment)
        by_id, seconds = {run.info.run_id: run for run in runs}, defaultdict[str, float](float)
        for run in runs:
            if FOLD in run.data.tags:
                trained = by_id.get(run.data.tags.get("goldfold.trained_by", ""), run).info
                ended = trained.end_time or trained.start_time
                seconds[run.data.tags["mlflow.parentRunId"]] += (ended - trained.start_time) / 1000
        return [cls._of(store, experiment, run, seconds[run.info.run_id]) for run in runs if FOLD not in run.data.tags]

    @classmethod
    def _of(cls, store: Store, experiment: str, run: Any, seconds: float = 0.0) -> "TrackedResult":
        started = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        info, data = run.info, run.data
        return cls(store, experiment, info.run_name, info.run_id, data.params, data.tags, data.metrics, started, seconds)

    @property
    def origin(self) -> dict[str, str]:
        """What names it to records (see `read_origin`); empty for a run that goldfold did not make."""
        return {"experiment": self.experiment, "key": self.tags[KEY], "name": self.name} if KEY in self.tags else {}

    def folder(self, path: str) -> Path:
        """A folder of its artifacts, `cv` or `submission`, on this machine; raises InputError where it has none."""
        folder = self.store.folder(self.id, path)
        if folder is None:
            mend = (
                "name the run of a whole pipeline result; if it is one, bring its artifacts back to where MLflow looks for them"
            )
            raise InputError(f"the MLflow run {self.name} has no {path}", [str(self.store.uri)], mend)
        return folder


def _store() -> Store:
    try:
        return Store(repository())
    except Unreachable as error:
        raise InputError(str(error), mend="start the MLflow server, or set MLFLOW_TRACKING_URI to one that runs") from None


def log_leaderboard(experiment: str, told: str, values: Mapping[str, float], files: Sequence[Path]) -> str:
    """Log a leaderboard, whose page and plots are `files`, to the experiment's run of that name, in the place of the last."""
    metrics = [(name, value, 0, time.time()) for name, value in values.items()]
    tags, artifacts = {"mlflow.note.content": told}, {str(file): "" for file in files}
    send(Record(experiment, LEADERBOARD, LEADERBOARD, tags=tags, metrics=metrics, artifacts=artifacts))
    return LEADERBOARD


def log_comparison(prepared: PreparedSet, comparison: Comparison, folder: Path) -> str:
    """Log a comparison that was saved to `folder` as a run of its own, and return its name."""
    first, second = comparison.names
    name, moment = f"compare {first} {second}", (folder / "comparison.json").stat().st_mtime
    values = {
        f"{comparison.metric}_difference": comparison.difference,
        "difference_low": comparison.low,
        "difference_high": comparison.high,
        "share_won": comparison.share,
    }
    content = {
        "metrics": [(metric, value, 0, moment) for metric, value in values.items() if math.isfinite(value)],
        "tags": {
            "goldfold.compares": f"{first}, {second}",
            "goldfold.verdict": "more than noise" if comparison.is_more_than_noise else "noise",
            "mlflow.note.content": f"{comparison.verdict} ({comparison.low:+.3g} to {comparison.high:+.3g})",
        },
        "artifacts": {str(folder / file): "" for file in ("comparison.json", "changed.csv")},
    }
    _log_apart(prepared, name, folder, content)
    return name


def log_blend(
    prepared: PreparedSet, name: str, blend: Blend, members: Mapping[str, str], group: str | None, folder: Path
) -> dict[str, str]:
    """Log a blend that was saved to `folder` as the run `name`, and return its origin (see `read_origin`).

    `members` are the run ids of its members by name; `group` is the column whose equal values share a fold.
    """
    content, metric = cv_content(blend.cv, folder / "cv"), blend.cv.scores.metric
    moment = content["metrics"][0][-1]
    content["metrics"].append((f"{metric}_optimistic", blend.optimistic, 0, moment))
    content["tags"] |= {MEMBERS: ", ".join(f"{member} ({run})" for member, run in members.items())}
    content["artifacts"] |= {**submission_files(folder / "submission"), str(folder / "blend.json"): ""}
    params = {f"blend.{key}": str(value) for key, value in asdict(blend.settings).items()} | {"split.group": str(group)}
    return _log_apart(prepared, name, folder, {**content, "params": params})


def _log_apart(prepared: PreparedSet, name: str, folder: Path, content: dict[str, Any]) -> dict[str, str]:
    """Log to the run of this name and of the files in `folder`, made if it is missing."""
    digest = hashlib.blake2b(name.encode(), digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    tags = {**provenance(), "goldfold.data": prepared.fingerprint, **content.pop("tags")}
    origin = {"experiment": prepared.problem.name, "key": digest.hexdigest(), "name": name}
    send(Record(origin["experiment"], origin["key"], origin["name"], tags=tags, **content))
    return origin
