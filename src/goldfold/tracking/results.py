"""Log comparisons, blends, imported members and the leaderboard as runs of their own."""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goldfold.blending import Blend
from goldfold.members import Member
from goldfold.prepare import PreparedSet
from goldfold.tracking.content import cv_content, provenance, submission_files
from goldfold.tracking.delivery import send
from goldfold.tracking.origin import Origin
from goldfold.tracking.record import Record
from goldfold.tracking.store import IMPORTED, MEMBERS
from goldfold.validation.comparison import Comparison

LEADERBOARD, PAGE = "leaderboard", "comparison.html"
"""The run of the leaderboard, and the page of a comparison."""


def log_leaderboard(experiment: str, note: str, values: Mapping[str, float], files: Sequence[Path]) -> str:
    """Log a leaderboard, whose page and plots are `files`, to the experiment's run of that name; it replaces the last one."""
    metrics = [(name, value, 0, time.time()) for name, value in values.items()]
    tags, artifacts = {"mlflow.note.content": note}, {str(file): "" for file in files}
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
        "artifacts": {str(path): "" for file in ("comparison.json", "changed.csv", PAGE) if (path := folder / file).is_file()},
    }
    _log_own_run(prepared, name, folder, content)
    return name


def log_blend(prepared: PreparedSet, name: str, blend: Blend, group: str | None, folder: Path) -> Origin:
    """Log a blend that was saved to `folder` as the run `name`, and return its origin.

    `group` is the column whose equal values share a fold.
    """
    content, metric = cv_content(blend.cv, folder / "cv"), blend.cv.scores.metric
    moment = content["metrics"][0][-1]
    content["metrics"].append((f"{metric}_optimistic", blend.optimistic, 0, moment))
    content["tags"] |= {MEMBERS: ", ".join(f"{member} ({run})" for member, run in blend.runs.items())}
    content["artifacts"] |= {**submission_files(folder / "submission"), str(folder / "blend.json"): "blend"}
    params = {f"blend.{key}": str(value) for key, value in asdict(blend.settings).items()} | {"split.group": str(group)}
    return _log_own_run(prepared, name, folder, {**content, "params": params})


def log_worth(origin: Origin, path: Path) -> None:
    """Log what the members of a blend are worth to its run; it replaces an earlier table."""
    send(Record(origin.experiment, origin.key, origin.name, artifacts={str(path): "blend"}))


def log_member(prepared: PreparedSet, member: Member, found: Sequence[str], group: str | None, folder: Path) -> Origin:
    """Log a member that was saved to `folder`, with what the gates found and `--force` passed, and return its origin."""
    content = cv_content(member.cv, folder / "cv")
    content["tags"] |= {IMPORTED: json.dumps(dict(member.source), ensure_ascii=False)}
    if found:
        content["tags"] |= {"goldfold.forced": "; ".join(found)}
    content["artifacts"] |= {**submission_files(folder / "submission"), str(folder / "member.json"): ""}
    code = folder / "code"
    content["artifacts"] |= {str(path): str(path.parent.relative_to(folder)) for path in code.rglob("*") if path.is_file()}
    return _log_own_run(prepared, member.name, folder, {**content, "params": {"split.group": str(group)}})


def _log_own_run(prepared: PreparedSet, name: str, folder: Path, content: dict[str, Any]) -> Origin:
    """Log to the run of this name and of these files' content, made if it is missing."""
    digest = hashlib.blake2b(name.encode(), digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    tags = {**provenance(), "goldfold.data": prepared.fingerprint, **content.pop("tags")}
    origin = Origin(prepared.problem.name, digest.hexdigest(), name)
    send(Record(origin.experiment, origin.key, origin.name, tags=tags, **content))
    return origin
