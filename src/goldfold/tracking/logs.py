"""Log to a run what comes after its stages: scores, a report; or a run of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.config import Config
from goldfold.identity import result_key
from goldfold.tracking.content import flat_params, model_name
from goldfold.tracking.delivery import send
from goldfold.tracking.origin import Origin
from goldfold.tracking.record import Record

if TYPE_CHECKING:
    from goldfold.prepare import PreparedSet


def log_scores(origin: Origin, scores: Mapping[str, float], moment: float, tags: Mapping[str, str] | None = None) -> None:
    """Log scores of a submission, by metric, and tags to its run; the last `moment` (unix, s) counts."""
    metrics = [(name, score, 0, moment) for name, score in scores.items()]
    send(Record(origin.experiment, origin.key, origin.name, metrics=metrics, tags=tags or {}))


def log_report(origin: Origin, path: Path) -> None:
    """Log a report to its run; it replaces an earlier one."""
    send(Record(origin.experiment, origin.key, origin.name, artifacts={str(path): "report"}))


def log_run(
    config: Config, prepared: PreparedSet, name: str, metrics: Sequence[tuple[str, float, int]], files: Sequence[Path]
) -> str:
    """Log something other than a pipeline's result as a run of its own; return its name, made of `name` and the model's."""
    key = f"{name}-{result_key(prepared, config)}"
    title, moment = f"{name} {model_name(config)}-{key[-16:][:6]}", time.time()
    measured = [(metric, value, step, moment) for metric, value, step in metrics]
    artifacts = {str(file): "" for file in files}
    send(Record(prepared.problem.name, key, title, params=flat_params(config), metrics=measured, artifacts=artifacts))
    return title
