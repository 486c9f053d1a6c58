"""Results that are tracked: found by their run, and logged where no stage made them, as comparisons and blends."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.prediction.blend import Blend
from goldfold.prepare import PreparedSet
from goldfold.scratch import repository
from goldfold.tracking.record import Record
from goldfold.tracking.stage import cv_content, provenance, send, submission_files
from goldfold.tracking.store import Store, Unreachable
from goldfold.validation.comparison import Comparison


@dataclass(frozen=True)
class TrackedResult:
    """The MLflow run of a pipeline result or a blend; `params` are params.yaml's, flat, and `metrics` the last of each."""

    store: Store
    name: str
    id: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]

    @classmethod
    def find(cls, name: str) -> "TrackedResult":
        """The run of that name or id; raises InputError where there is none, or the store does not answer."""
        try:
            store = Store(repository())
        except Unreachable as error:
            raise InputError(str(error), mend="start the MLflow server, or set MLFLOW_TRACKING_URI to one that runs") from None
        run = store.find(name)
        return cls(store, str(run.info.run_name), str(run.info.run_id), run.data.params, run.data.tags, run.data.metrics)

    def folder(self, path: str) -> Path:
        """A folder of its artifacts, `cv` or `submission`, on this machine; raises InputError where it has none."""
        folder = self.store.folder(self.id, path)
        if folder is None:
            raise InputError(f"the MLflow run {self.name} has no {path}", mend="name the run of a whole pipeline result")
        return folder


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
    content["tags"] |= {"goldfold.members": ", ".join(f"{member} ({run})" for member, run in members.items())}
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
