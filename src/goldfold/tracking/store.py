"""The MLflow store; with client.py and files.py, the only module that imports mlflow.

Runs are found by their tags: `goldfold.key` identifies the pipeline's result, `goldfold.fold` a child of its run.
"""

import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.files import drafted
from goldfold.imports import nearest
from goldfold.scratch import scratch_folder
from goldfold.tracking.client import (
    LOCKED_FOR,
    Missing,
    Refused,
    Taken,
    Unreachable,
    as_message,
    connect,
    database,
    own_store,
    tracking_uri,
)
from goldfold.tracking.datasets import Dataset
from goldfold.tracking.files import MODEL, local_folder, log_file, log_model
from goldfold.tracking.life import PROCESS, forget_gone, is_gone, signs_of_life
from goldfold.tracking.record import Record

KEY, FOLD, MEMBERS = "goldfold.key", "goldfold.fold", "goldfold.members"
OF_RUN = "goldfold.run"
"""The tag of a fold that names its parent."""
IMPORTED = "goldfold.imported"
"""The tag of a run that was made elsewhere: its files, and whose folds it has."""
BATCH = 1000
ARGUMENTS = "goldfold.metric_arguments"
HOLD, HELD_AT_MOST = "goldfold makes a run", 60.0
"""The registered model by which one clone holds the store, and for how long at most, in seconds."""
TRIES = 3
"""How often a store that keeps models may fail to make that one."""


def metric_tags(arguments: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the tag of a run that was scored by a metric with these arguments; none without arguments."""
    return {ARGUMENTS: json.dumps(arguments, sort_keys=True)} if arguments else {}


def is_scored_by(tags: Mapping[str, str], arguments: Mapping[str, Any] | None) -> bool:
    """Return whether a run was scored by the metric with these arguments."""
    return tags.get(ARGUMENTS) == metric_tags(arguments).get(ARGUMENTS)


def _is_half_made(parent: Any) -> bool:
    """Whether a run is as MLflow makes it, RUNNING in no process: a kill came before it was ended."""
    return parent.info.status == "RUNNING" and PROCESS not in parent.data.tags


class Store:
    """A connection to the store of the repository in `root`; raises Unreachable where there is none.

    Runs whose processes are gone are ended first: a SIGKILL leaves them RUNNING.
    """

    def __init__(self, root: Path) -> None:
        self.uri, self.root, self.downloads = tracking_uri(root), root, ExitStack()
        self.client = connect(root)
        if self.uri == own_store(root):
            with as_message(self.uri):
                _follow_artifacts(root)
        self.end_killed()

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made if it is missing."""
        existing = self.client.get_experiment_by_name(name)
        if existing is None:
            location = (self.root / "mlartifacts" / name).as_uri() if database(self.uri) else None
            # The UI shows models rather than prompts and traces.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            try:
                return str(self.client.create_experiment(name, artifact_location=location, tags=kind))
            except Taken:
                existing = self.client.get_experiment_by_name(name)
        if existing.lifecycle_stage == "deleted":
            self.client.restore_experiment(existing.experiment_id)
        return str(existing.experiment_id)

    def runs(self, experiment: str, key: str) -> dict[str | None, Any]:
        """Return the runs of a key: its parent under None, its children by fold."""
        existing = self.client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1000)
        return {run.data.tags.get(FOLD): run for run in reversed(existing)}

    def run(self, record: Record) -> Any:
        """Return a record's run, made with its parent if it is missing; of several clones that miss it, one makes it."""
        experiment = self.experiment(record.experiment)
        runs = self.runs(experiment, record.key)
        if None in runs and record.fold in runs and not _is_half_made(runs[None]):
            return runs[record.fold]
        with self._alone():
            runs = self.runs(experiment, record.key)
            if None not in runs:
                runs[None] = self.client.create_run(experiment, run_name=record.name, tags={KEY: record.key})
            if _is_half_made(runs[None]):
                self.client.update_run(runs[None].info.run_id, status="FINISHED")
            if record.fold not in runs:
                parent = runs[None].info.run_id
                tags = {KEY: record.key, FOLD: record.fold, OF_RUN: record.name, "mlflow.parentRunId": parent}
                runs[record.fold] = self.client.create_run(experiment, run_name=record.fold, tags=tags)
        return runs[record.fold]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the store against all other clones.

        Nothing of a run is there once alone but its id, which MLflow draws. The name of a registered model is: who makes it
        holds the store, until it is deleted again. What a killed process holds is taken from it after a while, which is longer
        than a busy server takes.
        """
        holder, since, failures = None, 0.0, 0
        while True:
            try:
                self.client.create_registered_model(HOLD)
                break
            except Taken:
                with suppress(Missing):
                    made = self.client.get_registered_model(HOLD).creation_timestamp
                    if made != holder:
                        holder, since = made, time.monotonic()
                    elif time.monotonic() - since > HELD_AT_MOST:
                        self.client.delete_registered_model(HOLD)
            except (Unreachable, Refused):
                failures += 1
                if failures == TRIES or not self._has_models():
                    yield
                    return
            time.sleep(random.uniform(0.02, 0.1))
        try:
            yield
        finally:
            with suppress(Missing):
                self.client.delete_registered_model(HOLD)

    def _has_models(self) -> bool:
        """Whether the store keeps models; raises Unreachable where it does not answer at all."""
        try:
            self.client.search_registered_models(max_results=1)
        except (Unreachable, Refused):
            self.client.search_experiments(max_results=1)
            return False
        return True

    def take(self, record: Record) -> None:
        """Deliver a record, or end its parent if it says so; raises Refused for a record that MLflow will never take."""
        if record.fold is None and record.status:
            self.end_parent(record)
        else:
            self.deliver(record)

    def deliver(self, record: Record) -> str:
        """Log a record, except what its run has already, and return the run's id."""
        from mlflow.entities import Metric, Param, RunTag

        run = self.run(record)
        run_id = str(run.info.run_id)
        params = [Param(name, value) for name, value in record.params.items() if name not in run.data.params]
        tags = [RunTag(name, value) for name, value in record.tags.items() if run.data.tags.get(name) != value]
        metrics = [Metric(metric_name(name), value, int(moment * 1000), step) for name, value, step, moment in record.metrics]
        if params or tags:
            self.client.log_batch(run_id, params=params, tags=tags)
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        if record.datasets:
            # What the run has already, MLflow leaves.
            self.client.log_inputs(run_id, _inputs(record.datasets))
        of_model = {source: target for source, target in record.artifacts.items() if Path(target).parts[:1] == (MODEL,)}
        for source, target in record.artifacts.items():
            if source not in of_model:
                log_file(self.client, run.info, Path(source), target)
        if of_model:
            log_model(self.client, run, of_model)
        if record.status and run.info.status != record.status:
            self.client.set_terminated(run_id, status=record.status)
        return run_id

    def running(self, record: Record) -> str:
        """Mark the run of a record as RUNNING in this process; return its id. A Heart is to beat for it."""
        run_id = str(self.run(record).info.run_id)
        for name, value in signs_of_life(self.root).items():
            self.client.set_tag(run_id, name, value)
        self.client.update_run(run_id, status="RUNNING")
        return run_id

    def end_parent(self, record: Record) -> None:
        """End the parent of a record's key with the record's status, unless another process still trains a fold of it."""
        runs = self.runs(self.experiment(record.experiment), record.key)
        if not any(fold is not None and run.info.status == "RUNNING" for fold, run in runs.items()):
            self.client.set_terminated(runs[None].info.run_id, status=record.status)

    def end_killed(self) -> None:
        """Mark the runs of all competitions as KILLED that are RUNNING in a process that is gone."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        for run in self.client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=1000):
            if KEY in run.data.tags and is_gone(self.root, run.data.tags, run.info.start_time / 1000):
                self.client.set_terminated(run.info.run_id, status="KILLED")
        forget_gone(self.root)

    def find(self, name: str) -> Any:
        """Return the run of that id, or the newest run of that name that is not a fold; raises InputError where there is none."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        runs = self.client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=1000)
        parents = [run for run in runs if FOLD not in run.data.tags]
        existing = next((run for run in parents if name in (run.info.run_name, run.info.run_id)), None)
        if existing is None:
            names = [run.info.run_name for run in parents]
            raise InputError(f"there is no MLflow run {name}{nearest(name, names)}", names, "give a run's name or id")
        return existing

    def all_runs(self, experiment_name: str) -> list[Any]:
        """Return every run of an experiment, folds included, oldest first."""
        experiment, order = [self.experiment(experiment_name)], ["attributes.start_time ASC"]
        page = self.client.search_runs(experiment, order_by=order, max_results=BATCH)
        runs: list[Any] = [*page]
        while page.token:
            page = self.client.search_runs(experiment, order_by=order, max_results=BATCH, page_token=page.token)
            runs += page
        return runs

    def share_views(self, experiment: str, views: Mapping[str, str]) -> str:
        """Keep views of an experiment's runs, by their keys, for MLflow's UI; return the experiment's id."""
        existing = self.experiment(experiment)
        for key, view in views.items():
            self.client.set_experiment_tag(existing, f"mlflow.sharedViewState.{key}", view)
        return existing

    def folder(self, info: Any, path: str) -> Path | None:
        """Return a folder of a run's artifacts, as it lies on this disk or downloaded to a draft; None if the run has none.

        The draft goes with the store, or after a kill with the next download.
        """
        if not self.client.list_artifacts(info.run_id, path):
            return None
        if here := local_folder(info.artifact_uri):
            return here / path
        target = self.downloads.enter_context(drafted(scratch_folder() / "artifacts" / path, is_folder=True))
        return Path(self.client.download_artifacts(info.run_id, path, str(target)))


def _inputs(datasets: Sequence[Dataset]) -> list[Any]:
    """A record's datasets as MLflow's."""
    from mlflow import entities

    return [
        entities.DatasetInput(
            entities.Dataset(one.name, one.digest, "local", one.source, one.schema or None, one.profile),
            [entities.InputTag("mlflow.data.context", one.context)],
        )
        for one in datasets
    ]


def metric_name(name: str) -> str:
    """Return the name as MLflow takes it: it refuses @, = and |, among others."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def _follow_artifacts(root: Path) -> None:
    """Point MLflow's absolute artifact paths to this repository, which may have been moved or copied."""
    here = (root / "mlartifacts").as_uri()
    with closing(sqlite3.connect(root / "mlflow.db", timeout=LOCKED_FOR)) as store, store:
        tables = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location"}
        for table, column in tables.items():
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, instr({column}, '/mlartifacts/') + ?) "
                f"WHERE instr({column}, '/mlartifacts/') > 0 AND {column} LIKE 'file:%' AND {column} NOT LIKE ?",
                (here, len("/mlartifacts"), f"{here}/%"),
            )
