"""Being asked to stop: by Ctrl-C, by SIGTERM, or by train.max_hours."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from types import FrameType
from typing import Literal

import psutil

from goldfold.config import Config

Reason = Literal["max_hours", "interrupted"]
Stop = Callable[[], Reason | None]


def never() -> None:
    """No reason to stop."""


@contextmanager
def asked_to_stop(seconds: float | None) -> Iterator[Stop]:
    """Yield a function that gives the reason to stop, if there is one: `seconds` are over, or Ctrl-C or SIGTERM came.

    The first signal asks, so that the step under way ends and the state is saved; a second one stops at once.
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
    """The seconds that one training may take of what is left of train.max_hours, shared out equally among those to come.

    The clock starts with the `dvc` process that runs the stages, or with this one where there is none.
    """
    if config.train.max_hours is None:
        return None
    trainings = list(product(config.split.folds, config.train.seeds))
    left = len(trainings) - trainings.index((fold, seed)) if (fold, seed) in trainings else 1
    gone = time.time() - _begun()
    return max(0.0, config.train.max_hours * 3600 - gone) / left


def _begun() -> float:
    own = psutil.Process(os.getpid())
    dvc = [parent for parent in own.parents() if any(part.endswith("dvc") for part in _command(parent)[:2])]
    return float((dvc[-1] if dvc else own).create_time())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
