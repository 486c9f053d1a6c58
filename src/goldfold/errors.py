"""Errors for people: what is wrong, where, and how to mend it."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

SHOWN = 10


class InputError(Exception):
    """An input that goldfold cannot work with.

    `what` is wrong, at the places in `where` (the first ten are shown, the rest counted); `mend` says what to do.
    """

    def __init__(self, what: str, where: Sequence[str] = (), mend: str = "") -> None:
        lines = [what, *(f"  {line}" for line in where[:SHOWN])]
        if len(where) > SHOWN:
            lines.append(f"  … and {len(where) - SHOWN} more")
        if mend:
            lines.append(f"To mend it: {mend}")
        super().__init__("\n".join(lines))


class Reply(NamedTuple):
    """A setting of `competition` that answers a question, and what it would mean."""

    key: str
    value: Any
    meaning: str


class QuestionError(InputError):
    """A question that the files leave open, with the replies to it, the likelier one first."""

    def __init__(self, question: str, replies: Sequence[Reply], where: Sequence[str] = ()) -> None:
        self.question, self.replies = question, tuple(replies)
        lines = [f"\n  competition.{reply.key}: {_written(reply.value)}   # {reply.meaning}" for reply in replies]
        first = f"{replies[0].key}={_written(replies[0].value)}"
        mend = f"set one of these in params.yaml:{''.join(lines)}\nIn goldfold init, name it behind the path: {first}"
        super().__init__(question, where, f"{mend}; --yes takes the first")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


@contextmanager
def exit_with_message() -> Iterator[None]:
    """Exit with an InputError's message and code 2, or with 130 after Ctrl-C, without a traceback."""
    try:
        yield
    except InputError as error:
        print(f"\ngoldfold: {error}\n", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # The reader of the output, such as `head`, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt as interrupt:
        print(f"\ngoldfold: stopped. {interrupt}", file=sys.stderr)
        raise SystemExit(130) from None
