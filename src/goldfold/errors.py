"""Errors for people: what is wrong, where, and how to mend it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
