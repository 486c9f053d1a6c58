"""Stop a training: by Ctrl-C, by SIGTERM, or after train.max_hours."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

import psutil

from goldfold.config import Config
from goldfold.training.jobs import jobs_of

Reason = Literal["max_hours", "interrupted"]
Stop = Callable[[], Reason | None]


def never() -> None:
    """Return no reason to stop."""


@contextmanager
def asked_to_stop(seconds: float | None) -> Iterator[Stop]:
    """Yield a function that returns the reason to stop, if any: `seconds` are over, or Ctrl-C or SIGTERM was received.

    After the first signal the current step ends and the state is saved; a second one stops at once.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        for caught in signals:
            signal.signal(caught, signal.default_int_handler)

    def reason() -> Reason | None:
        if asked:
            return "interrupted"
        return "max_hours" if deadline is not None and time.monotonic() >= deadline else None

    for number in signals:
        signal.signal(number, ask)
    try:
        yield reason
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def share_of_hours(config: Config, fold: int, seed: int) -> float | None:
    """Return the seconds that one training may take: what is left of train.max_hours, divided among the remaining trainings.

    The clock starts with the `dvc` process that runs the stages, or else with this process.
    """
    if config.train.max_hours is None:
        return None
    trainings = jobs_of(config.split.folds, config.train)
    left = len(trainings) - trainings.index((fold, seed)) if (fold, seed) in trainings else 1
    elapsed = time.time() - _start_time()
    return max(0.0, config.train.max_hours * 3600 - elapsed) / left


def _start_time() -> float:
    own = psutil.Process(os.getpid())
    dvc = [parent for parent in own.parents() if any(part.endswith("dvc") for part in _command(parent)[:2])]
    return float((dvc[-1] if dvc else own).create_time())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
