"""Rehearse a configuration once: what passed is known by its identity."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from goldfold.competition import Competition
from goldfold.competition.files import find_files
from goldfold.config import Config
from goldfold.files import write_json
from goldfold.identity import rehearsal_key
from goldfold.prepare import PreparedSet
from goldfold.prepare.preparation import folds_of, require_kind
from goldfold.prepare.subset import few_rows
from goldfold.scratch import read_kept
from goldfold.tables.reading import files_of

ANSWERS_WITHIN, LEARNING_WITHIN = 4.0, 6.0
"""Seconds."""


class _TimeIsUp(BaseException):
    """A part of a rehearsal took too long."""


def rehearse(config: Config, read: Callable[[], Competition], scratch: Path) -> str:
    """Run the pipeline on a handful of rows and say in a line what was tried; in `scratch` it is kept, and not done again.

    The competition is only `read` where there is something to try. Raises InputError for what a stage would refuse. What is not
    tried within seconds is left to the stages.
    """
    key = rehearsal_key(config, _files(config))
    kept = scratch / "rehearsals" / f"{key}.json"
    if passed := read_kept(kept):
        return str(passed["said"])
    # Imports take seconds, which a rehearsal that was kept does without, and which are not taken from the time to try things.
    from goldfold.rehearsal.answers import rehearse_answers
    from goldfold.rehearsal.learning import rehearse_learning

    for library in config.model.libraries:
        # One that is missing is told where it is used.
        with suppress(ImportError):
            import_module(library)
    competition = read()
    started = time.monotonic()
    if config.prepare.rows:
        competition = few_rows(competition, config.prepare.rows, config.split.n_folds)
    prepared = _tables(config, competition)
    late: list[str] = []
    with TemporaryDirectory() as folder:
        with _within(ANSWERS_WITHIN, late, "the answers"):
            rehearse_answers(config, competition, prepared, Path(folder))
        with _within(LEARNING_WITHIN, late, "the training"):
            rehearse_learning(config, competition, prepared, Path(folder))
    said = f"a fold's first steps, the metric and the answer, tried on a few rows in {time.monotonic() - started:.0f} s"
    if late:
        said += f"; {' and '.join(late)} took longer, and the rest is left to the stages"
    write_json(kept, {"said": said})
    return said


def _tables(config: Config, competition: Competition) -> PreparedSet:
    """The competition's tables and folds, without inputs."""
    require_kind(competition.problem)
    folds = folds_of(competition, config.split)
    tables = competition.train, competition.test, competition.sample
    args = (Path(), competition.problem, *tables, folds, config.split.strategy == "time")
    return PreparedSet(*args, inputs="", fingerprint="", weights=competition.weights)


def _files(config: Config) -> list[Path]:
    """The files whose content decides what a rehearsal meets: the tables, and what the settings name."""
    files, competition = find_files(config.competition), config.competition
    joined = [name for table, join in competition.join.items() for name in (table, *join.beside)]
    more = [files.root / name for name in (*(extra.path for extra in competition.extras), *joined)]
    tables = [file for path in (files.train, files.test, files.sample, *more) if path for file in files_of(path)]
    labels = [config.train.pseudo.labels] if config.train.pseudo else []
    solution = [Path(competition.solution)] if competition.solution else []
    return [*tables, *labels, *solution, *config.model.files, files.root]


@contextmanager
def _within(seconds: float, late: list[str], what: str) -> Iterator[None]:
    """End the block after some seconds, and add `what` it did to `late`."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TimeIsUp:
        late.append(what)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
