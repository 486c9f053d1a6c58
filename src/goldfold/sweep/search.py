"""The search: cross-validate the settings that Optuna proposes until the budget is spent."""

import copy
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from goldfold.config import Config, SweepConfig, parse_config
from goldfold.config.recipe import with_values
from goldfold.engines.folds import pool_of
from goldfold.errors import InputError
from goldfold.files import database_written_whole
from goldfold.prepare import PreparedSet
from goldfold.prepare.apart import prepare_apart
from goldfold.sweep.space import as_stored, distributions, size, suggest, value_at
from goldfold.sweep.trial import FOLDS_FROM, Judge, run_trial, training_keys
from goldfold.training.reporter import Reporter
from goldfold.training.state import discard
from goldfold.training.stopping import Reason, Stop
from goldfold.validation import CVResult

State = Literal["complete", "pruned", "failed", "stopped"]
STATES: dict[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
DEFAULT, SPENT, REPEATS = "default", "seconds spent", "repeats"
STUDY = "study.db"


@dataclass(frozen=True)
class TrialResult:
    """The result of the default settings or of a trial; `why` says where it was pruned, or what failed."""

    name: str
    values: Mapping[str, Any]
    state: State
    seconds: float
    score: float | None = None
    folds: Mapping[int, float] = field(default_factory=dict)
    why: str = ""


class Observer(Protocol):
    """Called when a trial starts and when it ends."""

    def started(self, name: str, values: Mapping[str, Any]) -> None:
        """Handle a trial that starts or resumes."""

    def ended(self, result: TrialResult, best: bool) -> None:
        """Handle a trial that is over or stopped; `best` if no other has a better score so far."""


class Search:
    """A search over `settings.space`, starting from the tree of params.yaml under a recipe, the default settings.

    `folder` keeps Optuna's study and the cross-validation of each completed trial, `scratch` the trainings of the default
    settings, the best trial and the running one, so that a stopped search can continue.
    """

    def __init__(
        self, settings: SweepConfig, tree: Mapping[str, Any], prepared: PreparedSet, folder: Path, scratch: Path
    ) -> None:
        self.settings, self.tree, self.folder, self.scratch = settings, tree, folder, scratch
        self.metric = prepared.problem.scored_by
        self.prepared = {self.config({}).prepare.model_dump_json(): prepared}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        folder.mkdir(parents=True, exist_ok=True)
        with _storage_told(folder / STUDY):
            self.study = self._open_study()

    def _open_study(self) -> optuna.Study:
        """Open the study; one that is not there is made, whole or not at all."""
        file = self.folder / STUDY
        direction: Literal["maximize", "minimize"] = "maximize" if self.metric.maximize else "minimize"

        def opened(path: Path) -> optuna.Study:
            storage = f"sqlite:///{path}"
            return optuna.create_study(storage=storage, study_name="sweep", direction=direction, load_if_exists=True)

        if not file.is_file():
            with self._alone(), database_written_whole(file) as draft:
                opened(draft)
        return opened(file)

    def config(self, values: Mapping[str, Any]) -> Config:
        """Return the config of a trial; raises InputError where its values do not go together."""
        return parse_config(with_values(self.tree, values), "a trial")

    def results(self) -> list[TrialResult]:
        """Return the results so far, the default settings first, without repeated proposals, which are not tried again."""
        return [_result_of(trial) for trial in self._ended()]

    def _ended(self) -> list[FrozenTrial]:
        ended = self.study.get_trials(deepcopy=False, states=tuple(STATES))
        return [trial for trial in ended if REPEATS not in trial.user_attrs]

    def best(self) -> TrialResult:
        """Return the result with the best score, the first of equals."""
        complete = [result for result in self.results() if result.score is not None]
        return (max if self.metric.maximize else min)(complete, key=lambda result: result.score or 0)

    def cross_validation(self, result: TrialResult) -> CVResult:
        """Load the cross-validation of a completed trial."""
        return CVResult.load(self.folder / result.name, next(iter(self.prepared.values())).problem)

    @property
    def spent(self) -> float:
        """Return how long the search has run so far, in seconds."""
        return float(self.study.user_attrs.get(SPENT, 0.0))

    def run(self, reporter: Reporter, observers: Sequence[Observer], stop: Stop) -> None:
        """Try settings until the budget is spent.

        Raises KeyboardInterrupt where `stop` gives a reason, with the running trial kept for the next time, and InputError
        where the default settings fail, another process runs this search, or the study takes nothing.
        """
        pool = pool_of(self.config({}).runtime, self._prepared(self.config({})))
        with self._alone(), _storage_told(self.folder / STUDY), pool as self._pool:
            start, hours = time.monotonic() - self.spent, self.settings.hours

            def elapsed() -> float:
                return time.monotonic() - start

            def is_late() -> bool:
                return hours is not None and elapsed() >= hours * 3600

            def stop_in_time() -> Reason | None:
                return stop() or ("max_hours" if is_late() else None)

            while not (self._is_full() or is_late()):
                if stop():
                    raise KeyboardInterrupt("stopped between two trials; the same command continues the search")
                try:
                    if not self.study.get_trials(deepcopy=False):
                        self._try_default(reporter, observers, stop)
                    else:
                        self._try_next(reporter, observers, lambda: "interrupted" if stop_in_time() else None)
                except KeyboardInterrupt:
                    if stop() or not is_late():
                        raise
                finally:
                    self.study.set_user_attr(SPENT, elapsed())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with FileLock(self.folder / "search.lock", timeout=0):
                yield
        except Timeout:
            raise InputError("another process runs this search", mend="wait for it, or stop it; nothing is lost") from None

    def _is_full(self) -> bool:
        """Return whether as many trials ended as the budget allows, the default beside them, or as the space holds."""
        ended = self._ended()
        in_space = sum(bool(trial.params) for trial in ended)
        return len(ended) > (self.settings.trials or float("inf")) or in_space >= size(self.settings)

    def _try_default(self, reporter: Reporter, observers: Sequence[Observer], stop: Stop) -> None:
        """Try the default settings, and add them to the study as its first trial."""
        config = self.config({}).model_dump(mode="json", by_alias=True)
        values = {key: value_at(config if value_at(self.tree, key) is None else self.tree, key) for key in self.settings.space}
        scores: dict[int, float] = {}

        def judge(step: int, score: float, where: str) -> None:
            scores[step] = score

        result = self._observed(DEFAULT, values, {}, self._judge(judge), None, reporter, observers, stop)
        if result.state == "failed":
            raise InputError(f"the default settings cannot be trained: {result.why}", mend="correct them before a search")
        space, stored = distributions(self.settings), as_stored(self.settings, values)
        attributes: dict[str, Any] = {"user_attrs": _attributes(result), "intermediate_values": scores}
        try:
            trial = optuna.create_trial(value=result.score, params=stored, distributions=space, **attributes)
        except (ValueError, TypeError):
            # Outside the space they are a trial without parameters: Optuna does not learn from it, but prunes by it.
            trial = optuna.create_trial(value=result.score, params={}, distributions={}, **attributes)
        self.study.add_trial(trial)

    def _try_next(self, reporter: Reporter, observers: Sequence[Observer], stop: Stop) -> None:
        """Go on with the trial that was stopped, or try what Optuna proposes."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        number = running[0].number if running else len(self.study.get_trials(deepcopy=False))
        # Seeded by its number, a trial does not depend on how often the search was stopped.
        seed = int(np.random.SeedSequence([self.settings.seed, number]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        trial = optuna.Trial(self.study, running[0]._trial_id) if running else self.study.ask()
        values = suggest(trial, self.settings)
        same = next((ended for ended in self._ended() if ended.params == trial.params), None)
        if same:
            trial.set_user_attr(REPEATS, same.number)
            self.study.tell(trial, same.value if same.state is TrialState.COMPLETE else None, state=same.state)
            return
        before = running[0].intermediate_values if running else {}
        best_before = before.get(max((step for step in before if step < FOLDS_FROM), default=-1))
        prune = self.settings.prune
        epochs = int(prune.after * self.config({}).train.epochs) if prune else 0
        pruner = prune and optuna.pruners.PercentilePruner(prune.percentile, prune.trials, epochs)

        def judge(step: int, score: float, where: str) -> None:
            if step not in before:
                trial.report(score, step)
            now = copy.copy(self.study.get_trials(deepcopy=False)[number])
            # Only the present score counts, not a better one after an earlier epoch or an easy fold.
            now.intermediate_values = {step: score}
            if pruner and pruner.prune(self.study, now):
                raise optuna.TrialPruned(where)

        result = self._observed(f"trial {number}", values, values, self._judge(judge), best_before, reporter, observers, stop)
        for name, value in _attributes(result).items():
            trial.set_user_attr(name, value)
        state = next(state for state, name in STATES.items() if name == result.state)
        self.study.tell(trial, result.score if result.state == "complete" else None, state=state)

    def _judge(self, judge: Judge) -> Judge:
        """Return a judge that skips epochs if trials differ in their number."""
        return (lambda *step: judge(*step) if step[0] >= FOLDS_FROM else None) if "train.epochs" in self.settings.space else judge

    def _observed(
        self,
        name: str,
        values: Mapping[str, Any],
        changes: Mapping[str, Any],
        judge: Judge,
        best_before: float | None,
        reporter: Reporter,
        observers: Sequence[Observer],
        stop: Stop,
    ) -> TrialResult:
        """Run a trial of the default settings with `changes`, and pass its result, under `values`, to the observers.

        Raises KeyboardInterrupt where it is stopped.
        """
        for observer in observers:
            observer.started(name, values)
        start, is_best, failure = time.monotonic(), False, None
        old = self.best() if any(result.score is not None for result in self.results()) else None
        try:
            config = self.config(changes)
            with TemporaryDirectory() as folder:
                prepared = self._prepared(config)
                cv = run_trial(prepared, config, judge, best_before, reporter, self.scratch, Path(folder), stop, self._pool)
            cv.save(self.folder / name)
            outcome: dict[str, Any] = {"state": "complete", "score": cv.scores.score, "folds": cv.scores.folds}
            is_best = old is None or old.score is None or self.metric.better(cv.scores.score, old.score)
        except optuna.TrialPruned as pruned:
            outcome = {"state": "pruned", "why": str(pruned)}
        except InputError as error:
            outcome = {"state": "failed", "why": str(error).splitlines()[0]}
        except KeyboardInterrupt:
            outcome = {"state": "stopped"}
            failure = KeyboardInterrupt(f"{name} is saved; the same command resumes it")
        result = TrialResult(name, values, seconds=time.monotonic() - start, **outcome)
        for observer in observers:
            observer.ended(result, is_best)
        if failure:
            raise failure
        self._discard(changes if not is_best else old.values if old else {})
        return result

    def _prepared(self, config: Config) -> PreparedSet:
        key = config.prepare.model_dump_json()
        if key not in self.prepared:
            self.prepared[key] = prepare_apart(config, self.scratch)
        return self.prepared[key]

    def _discard(self, changes: Mapping[str, Any]) -> None:
        """Delete the trainings of a trial that is not the best, unless they are the default's too."""
        machine = self._pool.machine()
        kept = set(training_keys(self._prepared(self.config({})), self.config({}), machine))
        try:
            config = self.config(changes)
        except InputError:
            return
        for key in set(training_keys(self._prepared(config), config, machine)) - kept:
            discard(self.scratch, key)


@contextmanager
def _storage_told(file: Path) -> Iterator[None]:
    """Raise what Optuna's storage says of its file as InputError."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        free = f"{shutil.disk_usage(file.parent).free / 2**20:,.0f} MB are free there"
        raise InputError(
            f"the search's study cannot be read or written: {reason}",
            [f"{file}: {free}"],
            f"make room, and let your user write there; if it is damaged, rm {file}: the same command begins the search anew",
        ) from error


def _attributes(result: TrialResult) -> dict[str, Any]:
    folds = {str(fold): score for fold, score in result.folds.items()}
    return {"name": result.name, "values": dict(result.values), "seconds": result.seconds, "folds": folds, "why": result.why}


def _result_of(trial: FrozenTrial) -> TrialResult:
    attributes: dict[str, Any] = dict(trial.user_attrs)
    folds = {int(fold): score for fold, score in attributes.pop("folds").items()}
    # Optuna's value of a pruned trial is its last intermediate value.
    score = trial.value if trial.state is TrialState.COMPLETE else None
    return TrialResult(**attributes, folds=folds, state=STATES[trial.state], score=score)
