"""Run: a pipeline result or a blend, found by its name."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from goldfold.competition import Problem
from goldfold.config import Config, load_config, parse_config
from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import CURRENT, ORIGIN
from goldfold.tracking import Origin, flat_params
from goldfold.tracking.delivery import open_store
from goldfold.tracking.store import FOLD, IMPORTED, KEY, MEMBERS, Store

if TYPE_CHECKING:
    from goldfold.inference.ensemble import Ensemble
    from goldfold.training import FoldResult
    from goldfold.validation import CVResult

CODE = "code"
"""The folder of an imported run's artifacts that its command runs in."""
NOT_YET = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Run:
    """A pipeline result or a blend: the current one, of experiments/current, or one of MLflow.

    `origin` is None where no stage has written down its MLflow run, or another program made that. `artifacts` gives the folder
    with its files of a kind (`cv`, `submission`, `folds`, `report`), None where it has none. `params` are params.yaml's, flat.
    What MLflow alone has is empty for the current result: the `id`, `tags`, the last of each of `metrics`, when it was `started`
    (UTC), and the `seconds` that its folds were trained in all, which `all_runs` alone adds up.
    """

    name: str
    origin: Origin | None
    artifacts: Callable[[str], Path | None] = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    metrics: Mapping[str, float] = field(default_factory=dict, repr=False)
    started: datetime = NOT_YET
    seconds: float = 0.0

    @property
    def tracked_name(self) -> str:
        """Its name in MLflow, where it has one."""
        return self.origin.name if self.origin else self.name

    @property
    def is_blend(self) -> bool:
        """Whether it was made of other runs."""
        return MEMBERS in self.tags

    @property
    def command(self) -> str | None:
        """The command that predicts other test rows, of a run that was imported with one; its code is among its artifacts."""
        return json.loads(self.tags[IMPORTED]).get("command") if IMPORTED in self.tags else None

    @property
    def group(self) -> str | None:
        """The column whose equal values its split kept together."""
        column = self.params.get("split.group", "None")
        return None if column == "None" else column

    def folder(self, kind: str) -> Path:
        """The folder with its files of a kind; raises InputError where it has none."""
        folder = self.artifacts(kind)
        if folder is None:
            raise InputError(
                f"the MLflow run {self.name} has no {kind}",
                mend="name the run of a whole pipeline result, or bring its artifacts back to where MLflow looks for them",
            )
        return folder

    def cv(self, problem: Problem) -> "CVResult":
        """Its cross-validation; raises InputError where it has none, or one by another metric than the problem's."""
        from goldfold.validation import CVResult
        from goldfold.validation.cv_result import METRIC

        folder = self.folder("cv")
        now = {"name": problem.scored_by.name, "arguments": problem.metric_args}
        scored_by = now
        if (folder / METRIC).is_file():
            scored_by = read_json(folder / METRIC)
        elif (folder / "metrics.json").is_file():
            # Runs of before that file was written tell the name alone.
            scored_by = {**now, "name": next(iter(read_json(folder / "metrics.json")))}
        if scored_by != now:
            raise InputError(
                f"{self.name} was scored by {_metric(scored_by)}, but the competition, as it is prepared now, by {_metric(now)}",
                mend="name runs with that metric, or set competition.metric to theirs and run `dvc repro prepare`",
            )
        return CVResult.load(folder, problem)

    def predictions(self, problem: Problem, ids: pd.Series) -> pd.DataFrame:
        """Its test predictions, a row per id in their order; raises InputError where it has none, or those of other rows."""
        path = self.folder("submission") / "predictions.parquet"
        if not path.is_file():
            raise InputError(f"{self.name} has no test predictions", mend="run `dvc repro`, or name a whole pipeline result")
        table = read_parquet(path)
        differing = [f"{problem.id} {i}: not predicted" for i in ids[~ids.isin(table[problem.id])]]
        differing += [f"{problem.id} {i}: not in data/prepared" for i in table[problem.id][~table[problem.id].isin(ids)]]
        if differing:
            raise InputError(f"{self.name} predicted other test rows than data/prepared has", differing, "run it again on these")
        return table.set_index(problem.id).loc[list(ids)].reset_index()

    def submission(self, prepared: PreparedSet) -> Path:
        """Its submission, checked again; raises InputError where it breaks the contract, or where rows were not predicted."""
        from goldfold.prediction import Submission, check_submission

        folder = self.folder("submission")
        path, predictions = folder / "submission.csv", folder / "predictions.parquet"
        if not path.is_file() or not predictions.is_file():
            raise InputError(f"{self.name} has no submission in {folder}", mend="run `dvc repro`, or name a whole result")
        check_submission(path, prepared.sample, prepared.problem)
        submission = Submission(prepared.problem, prepared.sample, read_parquet(predictions))
        if not submission.is_whole:
            raise InputError(
                f"{self.name} predicted {len(submission.predictions)} rows (prepare.rows); the other answers are the sample's",
                mend="set prepare.rows to null and run `dvc repro`, or name a run on all rows",
            )
        return path

    def config(self) -> Config:
        """The settings that made it; raises InputError for a blend, and for a run whose checkpoints were pruned."""
        if not self.id:
            return load_config()
        return parse_config(read_json(self._checkpoints() / "params.json"), f"the run {self.name}")

    def folds(self, fold: int | None = None) -> "list[FoldResult]":
        """The models of its folds, or of one of them; raises InputError where it has none."""
        from goldfold.training import load_folds

        config = self.config()
        return load_folds(self._checkpoints(), config.split.folds if fold is None else (fold,), config.train.seeds)

    def refits(self) -> "list[FoldResult]":
        """Its models on all rows, if predict.refit asked for any; raises InputError where they are missing."""
        from goldfold.training import load_refits

        return load_refits(self._checkpoints(), self.config().predict)

    def ensemble(self, fold: int | None = None) -> "Ensemble":
        """Its models, or a fold's, with all that makes answers of their predictions; raises InputError where it has none."""
        from goldfold.inference.ensemble import Ensemble
        from goldfold.inference.postprocess import Postprocess

        cv = self.artifacts("cv")
        steps = cv / "postprocess.json" if cv else None
        postprocess = Postprocess.from_json(read_json(steps)) if steps and steps.is_file() else Postprocess()
        refits = self.refits() if fold is None else []
        return Ensemble([*self.folds(fold), *refits], self.config().predict, postprocess.steps)

    def _checkpoints(self) -> Path:
        folder = self.artifacts("folds")
        if folder is None or (self.id and not (folder / "params.json").is_file()):
            raise InputError(
                f"the MLflow run {self.name} has no checkpoints of its folds",
                mend="name a whole pipeline result that was not pruned; of a blend, name its members",
            )
        return folder


def find_run(name: str) -> Run:
    """Find the current result, or the newest MLflow run of that name, or that of that id; raises InputError without one."""
    if name == "current":
        return Run(name, Origin.load(ORIGIN), lambda kind: CURRENT / kind, flat_params(load_config()))
    store = open_store()
    run = store.find(name)
    return _of_store(store, store.client.get_experiment(run.info.experiment_id).name, run)


def find_runs(names: Sequence[str]) -> list[Run]:
    """Find the runs of these names; raises InputError where one is missing, or named twice.

    Different runs that bear the same name are told apart by the start of their ids.
    """
    runs = [find_run(name) for name in names]
    keys = [run.origin.key if run.origin else run.id for run in runs]
    twice = [run.name for position, run in enumerate(runs) if keys[position] in keys[:position]]
    if twice:
        raise InputError(f"named twice: {', '.join(twice)}", mend="name each run once")
    shared = Counter(run.name for run in runs)
    return [replace(run, name=f"{run.name}-{run.id[:6]}") if shared[run.name] > 1 else run for run in runs]


def all_runs(experiment: str) -> list[Run]:
    """Find the runs of an experiment, oldest first; raises InputError where the store does not answer."""
    store = open_store()
    runs = store.all_runs(experiment)
    by_id, seconds = {run.info.run_id: run for run in runs}, defaultdict[str, float](float)
    for run in runs:
        if FOLD in run.data.tags:
            trained = by_id.get(run.data.tags.get("goldfold.trained_by", ""), run).info
            ended = trained.end_time or trained.start_time
            seconds[run.data.tags["mlflow.parentRunId"]] += (ended - trained.start_time) / 1000
    return [_of_store(store, experiment, run, seconds[run.info.run_id]) for run in runs if FOLD not in run.data.tags]


def groups_of(prepared: PreparedSet, runs: Sequence[Run], ids: pd.Series) -> pd.Series | None:
    """Look up each id's group, by the column that the runs' split kept together, with the ids as the index; None without one."""
    column = next((run.group for run in runs if run.group), None)
    if column is None:
        return None
    missing = ids[~ids.isin(prepared.train[prepared.problem.id])]
    if column not in prepared.train or len(missing):
        raise InputError(
            f"data/prepared does not know the groups of the runs' rows (split.group {column})",
            [f"{ids.name} {i}: not there" for i in missing] or [f"there is no column {column}"],
            "run `dvc repro prepare` on the runs' training table",
        )
    return prepared.groups(column)


def _of_store(store: Store, experiment: str, run: Any, seconds: float = 0.0) -> Run:
    info, data = run.info, run.data
    return Run(
        name=info.run_name,
        origin=Origin(experiment, data.tags[KEY], info.run_name, info.run_id) if KEY in data.tags else None,
        artifacts=lambda kind: store.folder(info, kind),
        params=data.params,
        id=info.run_id,
        tags=data.tags,
        metrics=data.metrics,
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        seconds=seconds,
    )


def _metric(scored_by: Mapping[str, Any]) -> str:
    """A metric's name, and its arguments where it has some."""
    arguments = ", ".join(f"{name} {value}" for name, value in scored_by["arguments"].items())
    return f"{scored_by['name']} ({arguments})" if arguments else str(scored_by["name"])
