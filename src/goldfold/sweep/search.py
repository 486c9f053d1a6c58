"""The search: settings that Optuna proposes, each judged by its cross-validation, until the budget is spent."""

import copy
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

from goldfold.config import Config, SweepConfig, parse_config
from goldfold.config.recipe import with_values
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.sweep.space import as_stored, distributions, size, suggest, value_at
from goldfold.sweep.trial import FOLDS_FROM, Judge, prepare_trial, run_trial, training_keys
from goldfold.training.reporter import Reporter
from goldfold.training.state import discard
from goldfold.training.stopping import Reason, Stop
from goldfold.validation import CVResult

State = Literal["complete", "pruned", "failed", "stopped"]
STATES: dict[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
DEFAULT, SPENT, REPEATS = "default", "seconds spent", "repeats"


@dataclass(frozen=True)
class Tried:
    """Settings that were tried: the default ones, or a trial's by its number. `why` says where it was pruned, or what failed."""

    name: str
    values: Mapping[str, Any]
    state: State
    seconds: float
    score: float | None = None
    folds: Mapping[int, float] = field(default_factory=dict)
    why: str = ""


class Watcher(Protocol):
    """Hears of trials as they come and go."""

    def started(self, name: str, values: Mapping[str, Any]) -> None:
        """A trial starts, or goes on."""

    def ended(self, tried: Tried, best: bool) -> None:
        """A trial is over, or stopped; `best` says that none has a better score so far."""


class Search:
    """A search over `settings.space`, from the tree of params.yaml under a recipe; the default settings are tried first.

    `folder` keeps Optuna's study and the cross-validation of each completed trial, and `scratch` the trainings of the best one,
    of the default and of the one in flight, so that the same search goes on where it was.
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
        direction: Literal["maximize", "minimize"] = "maximize" if self.metric.maximize else "minimize"
        storage = f"sqlite:///{folder / 'study.db'}"
        self.study = optuna.create_study(storage=storage, study_name="sweep", direction=direction, load_if_exists=True)

    def config(self, values: Mapping[str, Any]) -> Config:
        """The config of a trial; raises InputError where its values do not go together."""
        return parse_config(with_values(self.tree, values), "a trial")

    def tried(self) -> list[Tried]:
        """All that was tried so far, the default first; what Optuna proposed again was not tried again."""
        return [_tried(trial) for trial in self._ended()]

    def _ended(self) -> list[FrozenTrial]:
        ended = self.study.get_trials(deepcopy=False, states=tuple(STATES))
        return [trial for trial in ended if REPEATS not in trial.user_attrs]

    def best(self) -> Tried:
        """The trial with the best score; the first of equals."""
        complete = [tried for tried in self.tried() if tried.score is not None]
        best = complete[0]
        for tried in complete[1:]:
            best = tried if self.metric.better(float(tried.score or 0), float(best.score or 0)) else best
        return best

    def result(self, tried: Tried) -> CVResult:
        """The cross-validation of a completed trial."""
        return CVResult.load(self.folder / tried.name, next(iter(self.prepared.values())).problem)

    @property
    def spent(self) -> float:
        """The seconds that the search has taken so far."""
        return float(self.study.user_attrs.get(SPENT, 0.0))

    def run(self, reporter: Reporter, watchers: Sequence[Watcher], stop: Stop) -> None:
        """Try settings until the budget is spent.

        Raises KeyboardInterrupt where `stop` gives a reason, with the trial in flight kept for the next time, and InputError
        where the default settings fail, or while another process searches the same.
        """
        with self._alone():
            begun, before, hours = time.monotonic(), self.spent, self.settings.hours

            def gone() -> float:
                return before + time.monotonic() - begun

            def is_late() -> bool:
                return hours is not None and gone() >= hours * 3600

            def stop_in_time() -> Reason | None:
                return stop() or ("max_hours" if is_late() else None)

            while not (self._is_full() or is_late()):
                if stop():
                    raise KeyboardInterrupt("stopped between two trials; the same command goes on from there")
                try:
                    if not self.study.get_trials(deepcopy=False):
                        self._try_default(reporter, watchers, stop)
                    else:
                        self._try_next(reporter, watchers, lambda: "interrupted" if stop_in_time() else None)
                except KeyboardInterrupt:
                    if stop() or not is_late():
                        raise
                finally:
                    self.study.set_user_attr(SPENT, gone())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with FileLock(self.folder / "search.lock", timeout=0):
                yield
        except Timeout:
            raise InputError("another process runs this search", mend="wait for it, or stop it; nothing is lost") from None

    def _is_full(self) -> bool:
        """Whether all trials of the budget were tried, where the default does not count, or all that the space holds."""
        ended = self._ended()
        in_space = sum(bool(trial.params) for trial in ended)
        return len(ended) > (self.settings.trials or float("inf")) or in_space >= size(self.settings)

    def _try_default(self, reporter: Reporter, watchers: Sequence[Watcher], stop: Stop) -> None:
        """Try the default settings, and let Optuna learn from them where they are in the space."""
        written, whole = self.tree, self.config({}).model_dump(mode="json", by_alias=True)
        values = {key: value_at(whole if value_at(written, key) is None else written, key) for key in self.settings.space}
        seen: dict[int, float] = {}

        def judge(step: int, score: float, where: str) -> None:
            seen[step] = score

        tried = self._watched(DEFAULT, values, {}, self._judge(judge), None, reporter, watchers, stop)
        if tried.state == "failed":
            raise InputError(f"the default settings cannot be trained: {tried.why}", mend="mend them before a search")
        space, stored = distributions(self.settings), as_stored(self.settings, values)
        given: dict[str, Any] = {"user_attrs": _kept(tried), "intermediate_values": seen}
        try:
            trial = optuna.create_trial(value=tried.score, params=stored, distributions=space, **given)
        except (ValueError, TypeError):
            # They are outside of the space: Optuna cannot take them for a trial, but numbers and pruning start from them.
            trial = optuna.create_trial(value=tried.score, params={}, distributions={}, **given)
        self.study.add_trial(trial)

    def _try_next(self, reporter: Reporter, watchers: Sequence[Watcher], stop: Stop) -> None:
        """Go on with the trial that was in flight, or try what Optuna proposes."""
        in_flight = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        number = in_flight[0].number if in_flight else len(self.study.get_trials(deepcopy=False))
        # Seeded by its number, a trial does not depend on how often the search was stopped.
        seed = int(np.random.SeedSequence([self.settings.seed, number]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        trial = optuna.Trial(self.study, in_flight[0]._trial_id) if in_flight else self.study.ask()
        values = suggest(trial, self.settings)
        same = next((ended for ended in self._ended() if ended.params == trial.params), None)
        if same:
            trial.set_user_attr(REPEATS, same.number)
            self.study.tell(trial, same.value if same.state is TrialState.COMPLETE else None, state=same.state)
            return
        before = in_flight[0].intermediate_values if in_flight else {}
        heard = before.get(max((step for step in before if step < FOLDS_FROM), default=-1))
        prune = self.settings.prune
        epochs = int(prune.after * self.config({}).train.epochs) if prune else 0
        pruner = prune and optuna.pruners.PercentilePruner(prune.percentile, prune.trials, epochs)

        def judge(step: int, score: float, where: str) -> None:
            if step not in before:
                trial.report(score, step)
            now = copy.copy(self.study.get_trials(deepcopy=False)[number])
            # Judged as it is now: that it was better in an earlier epoch, or in a fold that is easy, does not count.
            now.intermediate_values = {step: score}
            if pruner and pruner.prune(self.study, now):
                raise optuna.TrialPruned(where)

        tried = self._watched(f"trial {number}", values, values, self._judge(judge), heard, reporter, watchers, stop)
        for name, value in _kept(tried).items():
            trial.set_user_attr(name, value)
        state = next(state for state, told in STATES.items() if told == tried.state)
        self.study.tell(trial, tried.score if tried.state == "complete" else None, state=state)

    def _judge(self, judge: Judge) -> Judge:
        """A judge that passes epochs over where trials have different numbers of them."""
        return (lambda *told: judge(*told) if told[0] >= FOLDS_FROM else None) if "train.epochs" in self.settings.space else judge

    def _watched(
        self,
        name: str,
        told: Mapping[str, Any],
        values: Mapping[str, Any],
        judge: Judge,
        heard: float | None,
        reporter: Reporter,
        watchers: Sequence[Watcher],
        stop: Stop,
    ) -> Tried:
        """Try values, keep what came out, and tell the watchers of it; raises KeyboardInterrupt where it is stopped."""
        for watcher in watchers:
            watcher.started(name, told)
        begun, is_best, failure = time.monotonic(), False, None
        rivals = [each for each in self.tried() if each.score is not None]
        old = self.best() if rivals else None
        try:
            cv = self._cross_validated(values, judge, heard, reporter, stop)
            cv.save(self.folder / name)
            found: dict[str, Any] = {"state": "complete", "score": cv.scores.score, "folds": cv.scores.folds}
            is_best = old is None or old.score is None or self.metric.better(cv.scores.score, old.score)
        except optuna.TrialPruned as pruned:
            found = {"state": "pruned", "why": str(pruned)}
        except InputError as error:
            found = {"state": "failed", "why": str(error).splitlines()[0]}
        except KeyboardInterrupt:
            found = {"state": "stopped"}
            failure = KeyboardInterrupt(f"{name} is kept as it was; the same command goes on from there")
        tried = Tried(name, told, seconds=time.monotonic() - begun, **found)
        for watcher in watchers:
            watcher.ended(tried, is_best)
        if failure:
            raise failure
        self._discard(values if not is_best else old.values if old else None)
        return tried

    def _cross_validated(
        self, values: Mapping[str, Any], judge: Judge, heard: float | None, reporter: Reporter, stop: Stop
    ) -> CVResult:
        config = self.config(values)
        prepared = self._prepared(config)
        with TemporaryDirectory() as folder:
            return run_trial(prepared, config, judge, heard, reporter, self.scratch, Path(folder), stop)

    def _prepared(self, config: Config) -> PreparedSet:
        told = config.prepare.model_dump_json()
        if told not in self.prepared:
            self.prepared[told] = prepare_trial(config, self.scratch)
        return self.prepared[told]

    def _discard(self, values: Mapping[str, Any] | None) -> None:
        """Forget the trainings of a trial that is not the best, unless they are the default's too."""
        kept = set(training_keys(self._prepared(self.config({})), self.config({})))
        try:
            config = self.config(values or {})
        except InputError:
            return
        for key in set(training_keys(self._prepared(config), config)) - kept:
            discard(self.scratch, key)


def _kept(tried: Tried) -> dict[str, Any]:
    folds = {str(fold): score for fold, score in tried.folds.items()}
    return {"name": tried.name, "values": dict(tried.values), "seconds": tried.seconds, "folds": folds, "why": tried.why}


def _tried(trial: FrozenTrial) -> Tried:
    kept: dict[str, Any] = dict(trial.user_attrs)
    folds = {int(fold): score for fold, score in kept.pop("folds").items()}
    # Optuna's value of a pruned trial is the last that it was judged by.
    score = trial.value if trial.state is TrialState.COMPLETE else None
    return Tried(**kept, folds=folds, state=STATES[trial.state], score=score)
