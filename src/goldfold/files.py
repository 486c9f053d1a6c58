"""Durable writes: a file or folder is written beside its path, made durable, then renamed into it."""

import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.errors import DiskError, InputError

if TYPE_CHECKING:
    import pandas as pd

DRAFTS = ".*.????????.draft"
"""The pattern of the names of all drafts; git and DVC ignore them."""
AT_ONCE = 8
"""How many files are made durable at once: the disk then writes its journal once for several."""
PROBE = bytes(2**20)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to; the file replaces `path` when the block succeeds, and is deleted when it fails.

    Raises DiskError where the disk is why it fails.
    """
    with drafted(path) as draft:
        yield draft
        _make_durable(draft)
        os.replace(draft, path)
        _sync(path.parent)


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill; it replaces `folder` when the block succeeds, and is deleted when it fails.

    A `folder` that is a mount of its own cannot be replaced: it is emptied and filled. Raises DiskError as `written_whole` does.
    """
    with drafted(folder, is_folder=True) as draft:
        yield draft
        _make_durable(draft)
        _replace_folder(draft, folder)
        _sync(folder.parent)


@contextmanager
def database_written_whole(path: Path) -> Iterator[Path]:
    """Yield a path to make a database at, with the files that go beside one; it comes to `path` when the block succeeds."""
    with drafted(path, is_folder=True) as draft:
        yield draft / path.name
        _make_durable(draft)
        os.replace(draft / path.name, path)
        _sync(path.parent)


@contextmanager
def drafted(path: Path, is_folder: bool = False) -> Iterator[Path]:
    """Yield a new empty file or folder beside `path`, which is removed at the end, or by the next writer there after a kill.

    A draft is locked while its process lives; the kernel ends the lock with the process, whatever ended that.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for dead in path.parent.glob(DRAFTS):
            _remove_dead(dead)
        draft, lock = _locked_draft(path, is_folder)
    except OSError as error:
        raise DiskError.of(error, path) from None
    try:
        yield draft
    except Exception as error:
        reason = _disk_error(error, draft)
        if reason is None:
            raise
        raise DiskError.of(reason, path) from error
    finally:
        os.close(lock)
        remove(draft)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def link(source: Path, target: Path) -> None:
    """Hard-link `source` to `target`, or copy it if the file system has no hard links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all; a NaN or infinity is a ValueError."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with written_whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def written_by_this_version(what: str, mend: str) -> Iterator[None]:
    """Raise InputError if the block finds files or keys other than this version of goldfold writes."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        cause = error.__cause__ if isinstance(error, DamagedError) else error
        reason = f"{type(cause).__name__}: {cause}"
        raise InputError(f"{what} is damaged, or was written by another version of goldfold", [reason], mend) from error


class DamagedError(InputError, ValueError):
    """A file that goldfold wrote is gone, cut or altered."""


def read_json(path: Path) -> Any:
    """Read a JSON file that goldfold wrote; raises DamagedError where it can't be."""
    with _readable(path):
        return json.loads(path.read_text(encoding="utf-8"))


def read_parquet(path: Path) -> "pd.DataFrame":
    """Read a table that goldfold wrote; raises DamagedError where it can't be."""
    import pandas as pd

    with _readable(path):
        return pd.read_parquet(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise what the block meets in a file as DamagedError, or DiskError where the disk gives nothing."""
    try:
        yield
    # Those of the encoding, of JSON and of Parquet are ValueErrors.
    except (OSError, ValueError) as error:
        told = DiskError.of(error) if isinstance(error, OSError) else error
        if isinstance(told, DiskError):
            raise told from None
        reason = str(error).splitlines()[0]
        mend = f"rm -r {path}; make repro makes it again, unless it is of an older run: bring that back from a copy"
        raise DamagedError(f"{path} is gone, cut or altered: {reason}", mend=mend) from error


def _draft_of(path: Path) -> Path:
    """Return a new name for a draft of `path`, which is no longer than file systems take."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.draft")


def _locked_draft(path: Path, is_folder: bool) -> tuple[Path, int]:
    """Make a draft of `path` and lock it; return it, and the open file of the lock."""
    while True:
        draft = _draft_of(path)
        draft.mkdir() if is_folder else draft.touch(exist_ok=False)
        lock = os.open(draft, os.O_RDONLY)
        # Another process may have taken it for a dead one before it was locked.
        if _lock(lock) is not False and draft.exists():
            return draft, lock
        os.close(lock)


def _lock(file: int) -> bool | None:
    """Lock an open file or folder; return False if it is locked already, None if the file system knows no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_dead(draft: Path) -> None:
    """Remove a draft whose process is gone."""
    with suppress(OSError):
        lock = os.open(draft, os.O_RDONLY)
        try:
            if _lock(lock):
                remove(draft)
        finally:
            os.close(lock)


def _make_durable(draft: Path) -> None:
    """Have the disk write a file, or all files of a folder."""
    paths = [path for path in (draft, *draft.rglob("*")) if not path.is_symlink()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        # Some file systems sync no folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(file)


def _replace_folder(draft: Path, folder: Path) -> None:
    """Put a draft in a folder's place, or, where that is a mount, its content."""
    old = _draft_of(folder)
    try:
        with suppress(FileNotFoundError):
            os.rename(folder, old)
        os.replace(draft, folder)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        for path in folder.iterdir():
            remove(path)
        for path in draft.iterdir():
            shutil.move(path, folder / path.name)
        _make_durable(folder)
    finally:
        remove(old)


def _disk_error(error: Exception, draft: Path) -> OSError | None:
    """Return the disk's error behind one that was raised while a draft was written; None if it is another's.

    Libraries raise errors of their own where a disk is full. Then a little more is written to the draft, to see.
    """
    if isinstance(error, InputError):
        return None
    if isinstance(error, OSError) and error.errno in DiskError.SAYS:
        return error
    file = draft / "more" if draft.is_dir() else draft
    try:
        with file.open("ab") as end:
            end.write(PROBE)
    except OSError as reason:
        return reason if reason.errno in DiskError.SAYS else None
    return None
