"""Waiting for Kaggle, with a line of progress."""

import time
from collections.abc import Callable
from typing import TypeVar

from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from goldfold.kaggle import UnreachableError
from goldfold.terminal.plain import PlainConsole, plain_column

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 3.0, 30.0
PATIENCE = 10
"""How many looks in a row may find Kaggle unreachable: for about four minutes."""


def wait_for(label: str, look: Callable[[], tuple[str, T | None]]) -> T:
    """Look until there is an answer, and return it.

    `look` returns how it stands, in words, and the answer, None until there is one. The words are drawn in a terminal, else
    printed when they change. Raises UnreachableError where Kaggle stays so.
    """
    console = PlainConsole()
    pause, failures, told, drawn = FIRST_PAUSE, 0, "", console.is_terminal
    columns = (SpinnerColumn(), plain_column("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not drawn) as bar:
        task = bar.add_task("", total=None)
        while True:
            try:
                words, answer = look()
                failures = 0
            except UnreachableError as error:
                failures += 1
                if failures > PATIENCE:
                    raise
                words, answer = str(error).splitlines()[0], None
            if answer is not None:
                return answer
            if words != told and not drawn:
                print(f"{label:<11} {words}", flush=True)
            told = words
            bar.update(task, description=f"{label}: {words}; Ctrl-C stops waiting")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
