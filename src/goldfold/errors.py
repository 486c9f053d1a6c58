"""Errors for people: what is wrong, where, and how to mend it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SHOWN = 10


class InputError(Exception):
    """An input that goldfold cannot work with.

    `what` is wrong, at each place of `where` (the first ten are shown and the rest counted); `mend` says what to do.
    """

    def __init__(self, what: str, where: Sequence[str] = (), mend: str = "") -> None:
        lines = [what, *(f"  {place}" for place in where[:SHOWN])]
        if len(where) > SHOWN:
            lines.append(f"  … and {len(where) - SHOWN} more")
        if mend:
            lines.append(f"To mend it: {mend}")
        super().__init__("\n".join(lines))


@contextmanager
def told_to_people() -> Iterator[None]:
    """End the process with the message of an InputError and exit code 2, and with 130 after Ctrl-C; no traceback."""
    try:
        yield
    except InputError as error:
        print(f"\ngoldfold: {error}\n", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # What reads the output, `head` say, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt as interrupt:
        print(f"\ngoldfold: stopped. {interrupt}", file=sys.stderr)
        raise SystemExit(130) from None
