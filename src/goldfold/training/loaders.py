"""What loader processes meet: that one of them is ended, and that they find no shared memory."""

import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from torch.utils.data import get_worker_info

from goldfold.errors import InputError, this_command

SHARED = Path("/dev/shm")
LEAST = 2**20
"""Bytes of shared memory that loaders need before their first batch."""
LOST = re.compile(r"DataLoader worker \(pid.*")
"""How torch begins to say that a loader has ended."""
RAISED = f"{InputError.__module__}.{InputError.__qualname__}: "
"""What stands before our message in the traceback that torch makes of an error in a loader."""


def require_shared_memory(workers: int) -> None:
    """Raise InputError where loaders would find no shared memory to hand over their batches."""
    if workers and SHARED.is_dir() and shutil.disk_usage(SHARED).free < LEAST:
        raise _no_memory(f"{SHARED} is full, by which loader processes hand over their batches")


def handed_over(batch: Any) -> Any:
    """Return a batch; in a loader, in shared memory. Raises InputError where there is none.

    Torch itself shares it later, in a thread: what fails there is lost, and the training would wait for it for ever.
    """
    if get_worker_info() is not None:
        rows, inputs = batch
        try:
            for tensor in (rows, *inputs.values()):
                tensor.share_memory_()
        except RuntimeError as error:
            raise _no_memory(f"a batch finds no room: {error}") from None
    return batch


@contextmanager
def lost_loaders_told() -> Iterator[None]:
    """Raise what torch says of a loader that has ended, wherever it says so, and of an InputError in one, as InputError.

    It speaks up in the handler of a signal, thus between any two lines.
    """
    try:
        yield
    except InputError as error:
        text = str(error)
        if RAISED not in text:
            raise
        raise InputError(text.partition(RAISED)[2].strip()) from error
    except RuntimeError as error:
        lost = LOST.match(str(error))
        if not lost:
            raise
        # Else torch says it again when the next loader ends, amid whatever is done then.
        with suppress(ValueError):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        raise _no_memory(f"a loader process has ended: {lost[0].strip()}") from error


def _no_memory(what: str) -> InputError:
    """Return the message about loaders that have no memory, which is why they are ended."""
    where = [f"memory: {psutil.virtual_memory().available / 2**20:,.0f} MB are free"]
    if SHARED.is_dir():
        disk = shutil.disk_usage(SHARED)
        where.append(f"{SHARED}: {disk.free / 2**20:,.1f} MB of {disk.total / 2**20:,.1f} MB are free")
    mend = "set train.workers: 0, which needs no loaders, or have more of what ran out (docker run --shm-size=8g)"
    return InputError(what, where, f"{mend}; then go on with {this_command()}, from the saved state")
