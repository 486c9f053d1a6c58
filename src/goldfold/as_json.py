"""What a command found as JSON, for programs: one object on the standard output, and all that people read on the other stream."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from math import isfinite
from pathlib import Path
from typing import Any

from goldfold.errors import InputError

VERSION = 1
"""Raised when a key goes or means something else; new keys do not raise it."""
Answer = dict[str, Any]
"""What a command found, by the keys of docs/json.md; `exit_code` is 0 where it is not there."""


def print_as_json(command: str, find: Callable[[], Answer]) -> Answer:
    """Print what a command finds as one JSON object, with an InputError's message in `error`; return what was found.

    Whatever it or its child processes print meanwhile goes to the standard error.
    """
    out, answer = sys.stdout, Answer()
    try:
        with redirect_stdout(sys.stderr), _children_apart():
            answer = find()
        return answer
    except InputError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
        raise
    finally:
        if answer:
            whole = {"goldfold_json": VERSION, "command": command, "exit_code": 0, **answer}
            print(json.dumps(_plain(whole), ensure_ascii=False, allow_nan=False), file=out, flush=True)


@contextmanager
def _children_apart() -> Iterator[None]:
    """Have child processes write to the standard error, where this process has one of its own."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _plain(value: Any) -> Any:
    """Numbers, texts, lists and objects alone; what is not finite is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    number = float(value)
    return number if isfinite(number) else None
