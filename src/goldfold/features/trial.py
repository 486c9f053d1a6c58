"""Try candidates one at a time: each with the model of params.yaml on the same folds, compared on the same rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goldfold.competition import Competition
from goldfold.config import Config, parse_config
from goldfold.config.recipe import with_values
from goldfold.engines.folds import pool_of, train_folds
from goldfold.engines.pool import Pool
from goldfold.errors import InputError
from goldfold.features.candidates import Candidate, Tree
from goldfold.files import folder_written_whole
from goldfold.identity import result_key
from goldfold.prepare import PreparedSet
from goldfold.prepare.apart import prepare_apart
from goldfold.training import forget, load_folds
from goldfold.training.device import use_threads
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison, compare
from goldfold.validation.cross_validation import validate
from goldfold.validation.same_rows import on_same_rows

KEY = "prepare.features"
WITHOUT = "without"
KEPT = "gains"
"""The folder of scratch with what was tried; features of frozen networks, in one of their own, come and go."""


@dataclass(frozen=True)
class Trial:
    """What a candidate gained over the features of params.yaml, or why it could not be tried.

    `gain` is more where the score is better, whatever the metric's direction; `low` and `high` bound it.
    """

    candidate: Candidate
    score: float = float("nan")
    gain: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    why: str = ""

    @property
    def holds_up(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.low > 0


@dataclass(frozen=True)
class Bench:
    """What all candidates share: the tree of params.yaml, its competition and prepared set, and the processes that train."""

    tree: Mapping[str, Any]
    config: Config
    competition: Competition
    prepared: PreparedSet
    pool: Pool[Any]
    scratch: Path
    reporter: Reporter
    stop: Stop

    def cross_validation(self, entries: Sequence[Tree] = ()) -> CVResult:
        """Train, or take what an earlier call has kept of, the model of params.yaml with further entries.

        Raises InputError for entries that cannot be made, or that bring rows into other folds, and Stopped.
        """
        config = parse_config(with_values(self.tree, {KEY: with_entries(self.tree, entries)}), "params.yaml")
        prepared = prepare_apart(config, self.scratch, self.competition)
        if prepared.split_digest() != self.prepared.split_digest():
            raise InputError("its rows come into other folds", mend="set prepare.duplicates: keep")
        folder = self.scratch / KEPT / result_key(prepared, config)
        if not folder.is_dir():
            cv = self._train(prepared, config)
            with folder_written_whole(folder) as draft:
                cv.save(draft)
        return CVResult.load(folder, prepared.problem)

    def _train(self, prepared: PreparedSet, config: Config) -> CVResult:
        with TemporaryDirectory(dir=self.scratch) as folder:
            training = train_folds(prepared, config, Path(folder), self.scratch, lambda _: self.reporter, self.stop, self.pool)
            with closing(training) as trained:
                for _ in trained:
                    pass
            folds = load_folds(Path(folder), config.split.folds, config.train.seeds)
            with use_threads(self.pool.threads):
                cv = validate(prepared, folds, config.validate_, config.predict, config.split.group)
        forget(self.scratch, folds)
        return cv

    def compared(self, first: CVResult, second: CVResult, name: str) -> Comparison:
        """Compare two results on the same resamples of the same rows."""
        results = on_same_rows(self.prepared.problem, {WITHOUT: first, name: second})
        return compare(self.prepared.problem, results, self.config.validate_, self.prepared.groups(self.config.split.group))


def bench_of(
    tree: Mapping[str, Any], config: Config, competition: Competition, scratch: Path, reporter: Reporter, stop: Stop
) -> Bench:
    """Prepare the competition as params.yaml says, and make the pool, which the caller opens."""
    prepared = prepare_apart(config, scratch, competition)
    pool = pool_of(config.runtime, prepared)
    return Bench(tree, config, competition, prepared, pool, scratch, reporter, stop)


def try_each(bench: Bench, base: CVResult, candidates: Sequence[Candidate]) -> Iterator[Trial]:
    """Yield the trial of each candidate; one that cannot be made is left out, with the reason."""
    for candidate in candidates:
        yield _tried(bench, base, candidate, partial(bench.cross_validation, candidate.entries))


def try_together(bench: Bench, base: CVResult, trials: Sequence[Trial]) -> Trial:
    """Return the trial of all that held up at once: gains of features that tell the same do not add up."""
    (first, *others) = [trial.candidate for trial in trials]
    entries = with_entries({}, [entry for candidate in (first, *others) for entry in candidate.entries])
    candidate = Candidate(f"all {len(trials)} that hold up", tuple(entries))
    return _tried(bench, base, candidate, partial(bench.cross_validation, candidate.entries))


def chosen_of(trials: Sequence[Trial], together: Trial | None) -> list[Trial]:
    """Return the trials to be written: those that hold up, or the best of them alone where all together are no better."""
    held = sorted((trial for trial in trials if trial.holds_up), key=lambda trial: -trial.gain)
    if together and held and not together.gain >= held[0].gain:
        return held[:1]
    return [trial for trial in trials if trial.holds_up]


def with_entries(tree: Mapping[str, Any], entries: Sequence[Tree]) -> list[Tree]:
    """Return the entries of a tree of params.yaml and further ones, each once."""
    whole = [*((tree.get("prepare") or {}).get("features") or []), *entries]
    return [entry for at, entry in enumerate(whole) if entry not in whole[:at]]


def _tried(bench: Bench, base: CVResult, candidate: Candidate, train: Callable[[], CVResult]) -> Trial:
    trial = Trial(candidate)
    try:
        comparison = bench.compared(base, train(), candidate.name)
    except InputError as error:
        lines = [line.strip() for line in str(error).splitlines() if not line.startswith("To mend it: ")]
        return replace(trial, why="; ".join(lines))
    gain, low, high = comparison.difference, comparison.low, comparison.high
    if not comparison.maximize:
        # Less 0 is 0, not -0.
        gain, low, high = 0 - gain, 0 - high, 0 - low
    return replace(trial, score=comparison.scores[1], gain=gain, low=low, high=high)
