"""The tracking of a search: a parent run named after the recipe, and a child for each trial."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.scratch import repository
from goldfold.sweep import TrialResult
from goldfold.tracking.client import Refused
from goldfold.tracking.content import cv_content, flat_params, provenance
from goldfold.tracking.delivery import send
from goldfold.tracking.life import Heart
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison

STATUS = {"complete": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


class TrackedSearch:
    """An Observer that logs each trial of a search."""

    def __init__(self, config: Config, prepared: PreparedSet, name: str, key: str, space: Mapping[str, Any]) -> None:
        self.experiment, self.key, self.name = prepared.problem.name, key, name
        self.metric = prepared.problem.scored_by.name
        self.running: str | None = None
        self.live_run: str | None = None
        self.heart = Heart()
        searched = {f"sweep.{key}": str(values) for key, values in space.items()}
        tags = {**provenance(), "goldfold.data": prepared.fingerprint, "goldfold.stage": "sweep"}
        send(self._record(params={**flat_params(config), **searched}, tags=tags))
        self._mark()

    def _record(self, **content: Any) -> Record:
        return Record(self.experiment, self.key, self.name, **content)

    def _mark(self, trial: str | None = None) -> str | None:
        """Mark a run as RUNNING in this process; return its id if the store answers."""
        # Later records repeat this, and wait until the store answers.
        with suppress(InputError, Refused):
            store = Store(repository())
            run_id = store.running(self._record(fold=trial))
            self.heart.beat_for(store.client, run_id)
            return run_id
        return None

    def started(self, name: str, values: Mapping[str, Any]) -> None:
        self.running = name
        self.live_run = self._mark(name)

    def ended(self, result: TrialResult, best: bool) -> None:
        measured = {f"{self.metric}_fold_{fold}": score for fold, score in result.folds.items()} | {"seconds": result.seconds}
        if result.score is not None:
            measured[self.metric] = result.score
        note = f"{result.state} in {result.why}" if result.state == "pruned" else f"{result.state} {result.why}".strip()
        self._end_trial(STATUS[result.state], result.state, note, measured, result.values)

    def _end_trial(self, status: str, state: str, note: str, measured: Mapping[str, float], values: Mapping[str, Any]) -> None:
        metrics = [(name, value, 0, time.time()) for name, value in measured.items()]
        tags = {"goldfold.trial": state, "mlflow.note.content": note}
        params = {key: str(value) for key, value in values.items()}
        if self.live_run:
            self.heart.rest_for(self.live_run)
        send(self._record(fold=self.running, status=status, params=params, tags=tags, metrics=metrics))
        self.running = None

    def best(self, result: TrialResult, cv: CVResult, folder: Path, comparison: Comparison | None, overlay: Path) -> None:
        """Log the best trial on the parent: its cross-validation, how it compares with the default, and its overlay."""
        content = cv_content(cv, folder)
        content["artifacts"][str(overlay)] = ""
        content["tags"]["goldfold.best"] = result.name
        if comparison:
            content["tags"]["mlflow.note.content"] += f"; {comparison.verdict}"
        send(self._record(**content))

    def end(self, status: str) -> None:
        """End the parent, and the trial that was running."""
        self.heart.stop()
        if self.running:
            self._end_trial("FAILED", "failed", "ended by an error", {}, {})
        send(self._record(status=status))


@contextmanager
def tracked_search(
    config: Config, prepared: PreparedSet, name: str, key: str, space: Mapping[str, Any]
) -> Iterator[TrackedSearch]:
    """Track a search: its run is FINISHED when the block ends, FAILED after an error, KILLED where it was stopped."""
    tracked = TrackedSearch(config, prepared, name, key, space)
    try:
        yield tracked
    except KeyboardInterrupt:
        tracked.end("KILLED")
        raise
    except BaseException:
        tracked.end("FAILED")
        raise
    tracked.end("FINISHED")
