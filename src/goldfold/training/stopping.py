"""Stop a training: by Ctrl-C, by SIGTERM, or after train.max_hours."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

import psutil

Reason = Literal["max_hours", "interrupted"]
Stop = Callable[[], Reason | None]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A training was ended by Ctrl-C or SIGTERM; its state is saved."""


def never() -> None:
    """Return no reason to stop."""


@contextmanager
def asked_to_stop(signals: Sequence[signal.Signals] = SIGNALS) -> Iterator[Stop]:
    """Yield a function that returns the reason to stop once Ctrl-C or SIGTERM was received.

    After the first signal the current step ends and the state is saved; a second one stops at once.
    """
    before = {number: signal.getsignal(number) for number in signals}
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        for caught in signals:
            signal.signal(caught, signal.default_int_handler)

    for number in signals:
        signal.signal(number, ask)
    try:
        yield lambda: "interrupted" if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_after(seconds: float | None, stop: Stop) -> Stop:
    """Return `stop` with a further reason once `seconds` are over."""
    if seconds is None:
        return stop
    deadline = time.monotonic() + seconds
    return lambda: stop() or ("max_hours" if time.monotonic() >= deadline else None)


def share_of_hours(hours: float | None, left: int, at_once: int) -> float | None:
    """Return the seconds that each of the next trainings may take, of which `left` are left and some run at once.

    The clock starts with the `dvc` process that runs the stages, or else with this process.
    """
    if hours is None:
        return None
    rounds = -(-left // at_once)
    return max(0.0, hours * 3600 - (time.time() - _start_time())) / rounds


def _start_time() -> float:
    own = psutil.Process(os.getpid())
    dvc = [parent for parent in own.parents() if any(Path(part).name == "dvc" for part in _command(parent)[:4])]
    return float((dvc[-1] if dvc else own).create_time())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
