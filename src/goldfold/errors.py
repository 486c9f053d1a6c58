"""Errors for people: what is wrong, where, and how to mend it."""

import errno
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

SHOWN = 10
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that command a terminal, or turn the direction of a text."""
PASSWORD = re.compile(r"(?<=://)([^/\s:@]*:)?[^/\s]+@")
"""A password, or a token in its place, in the address of a server."""


def escaped(text: str) -> str:
    """Return a text for people in which what would command a terminal is spelled out, as \\x1b."""
    return COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def without_password(text: str) -> str:
    """Return a text without the passwords in the addresses in it."""
    return PASSWORD.sub(lambda found: f"{found[1] or ''}…@", text)


class InputError(Exception):
    """An input that goldfold cannot work with.

    `what` is wrong, at the places in `where` (the first ten are shown, the rest counted); `mend` says what to do. No password of
    an address gets into it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, where: Sequence[str] = (), mend: str = "") -> None:
        lines = [what, *(f"  {line}" for line in where[:SHOWN])]
        if len(where) > SHOWN:
            lines.append(f"  … and {len(where) - SHOWN} more")
        if mend:
            lines.append(f"To mend it: {mend}")
        super().__init__(without_password("\n".join(lines)))


class BudgetError(InputError):
    """A budget or a quota that is spent: nothing is wrong, and waiting mends it."""

    exit_code = 3


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
        first = shlex.quote(f"{replies[0].key}={_written(replies[0].value)}")
        mend = f"set one of these in params.yaml:{''.join(lines)}\nIn goldfold init, name it behind the path: {first}"
        super().__init__(question, where, f"{mend}; --yes takes the first")


def _written(value: Any) -> str:
    """A value as a line of YAML holds it; texts that begin as something else are quoted."""
    quoted = not isinstance(value, str) or value[:1] in "{[&*!|>'\"%@`#?-"
    return json.dumps(value, ensure_ascii=False) if quoted else str(value)


class DiskError(InputError, OSError):
    """A place on a disk that takes or gives nothing: where, how much is free, how to mend it, and what then goes on."""

    ROOM = "make room (goldfold prune deletes checkpoints of older runs, dvc gc --workspace older results)"
    OTHERS = "let your user write there (chmod u+rwX), or work where it may"
    SAYS: ClassVar[Mapping[int, tuple[str, str]]] = {
        errno.ENOSPC: ("the disk is full", ROOM),
        errno.EDQUOT: ("your share of the disk is full", ROOM),
        errno.EFBIG: ("a file may not grow as large here", "raise the limit (ulimit -f unlimited)"),
        errno.EROFS: ("the disk is read-only", "mount it to be written, or work on another"),
        errno.EACCES: ("you may not read or write there", OTHERS),
        errno.EPERM: ("you may not read or write there", OTHERS),
        errno.ENOTDIR: ("a file stands where a folder should be", "name another place"),
        errno.EEXIST: ("a file stands where a folder should be", "name another place"),
        errno.EISDIR: ("a folder stands where a file should be", "name another place"),
        errno.ENAMETOOLONG: ("its name is too long", "name another place"),
        errno.EIO: ("the disk cannot read or write", "look at the disk (dmesg); bring the file back from a copy"),
    }

    @classmethod
    def of(cls, error: OSError, path: str | os.PathLike[str] | None = None) -> OSError:
        """Return the message of an error about `path`, by default the error's own; the error itself where it is no disk's."""
        if isinstance(error, cls) or error.errno is None or error.errno not in cls.SAYS:
            return error
        where = Path(os.path.abspath(path or error.filename or "."))
        disk = shutil.disk_usage(next(folder for folder in (where, *where.parents) if os.path.exists(folder)))
        what, mend = cls.SAYS[error.errno]
        free = f"{disk.free / 2**20:,.0f} MB of {disk.total / 2**20:,.0f} MB are free there"
        told = cls(what, [f"{where}: {free}"], f"{mend}; then go on with {this_command()}")
        told.errno = error.errno
        return told


def this_command() -> str:
    """Return the command that was typed: DVC's for a stage of it."""
    if "DVC_STAGE" in os.environ:
        return "dvc repro"
    return " ".join(["goldfold", *sys.argv[1:]]) if Path(sys.argv[0]).name == "goldfold" else "the same command"


@contextmanager
def exit_with_message() -> Iterator[None]:
    """Exit with an InputError's or the disk's message and exit code, or with 130 after Ctrl-C, without a traceback."""
    try:
        yield
    except BrokenPipeError:
        # The reader of the output, such as `head`, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except (InputError, OSError) as error:
        told = DiskError.of(error) if isinstance(error, OSError) else error
        if not isinstance(told, InputError):
            raise
        print(escaped(f"\ngoldfold: {told}\n"), file=sys.stderr)
        raise SystemExit(told.exit_code) from None
    except KeyboardInterrupt as interrupt:
        print(escaped(f"\ngoldfold: stopped. {interrupt}"), file=sys.stderr)
        raise SystemExit(130) from None
