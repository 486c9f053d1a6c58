"""Signs of life: whether the process that a run is RUNNING in is still there.

Process numbers are taken again, and mean nothing in another container. So each process holds a lock on a file in scratch, which
the kernel ends with it; and its runs have a tag with the time, which a clone elsewhere reads. Where the clock there is wrong, or
this machine slept, a living run is ended there; its next beat marks it as RUNNING again.
"""

import fcntl
import functools
import os
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PROCESS, ALIVE = "goldfold.process", "goldfold.alive"
"""The tags with the name of a process, and with the time (unix, s) at which it was last known to live."""
BEAT = 20.0
GONE_AFTER = 120.0


def signs_of_life(root: Path) -> dict[str, str]:
    """Return the tags of a run of this process."""
    return {PROCESS: _own_name(root), ALIVE: f"{time.time():.0f}"}


def is_gone(root: Path, tags: Mapping[str, str], started: float) -> bool:
    """Return whether the process of a run with these tags, `started` at (unix, s), is gone."""
    held = _is_held(_folder(root) / tags.get(PROCESS, ":"))
    return time.time() - float(tags.get(ALIVE, started)) > GONE_AFTER if held is None else not held


def forget_gone(root: Path) -> None:
    """Delete the files of processes that are gone."""
    for file in _folder(root).glob("*"):
        if _is_held(file) is False:
            file.unlink(missing_ok=True)


class Heart:
    """Renews the time of runs at the store while this process lives, and their status where another clone has ended them."""

    def __init__(self) -> None:
        self.runs: dict[str, Any] = {}
        self.stopped, self.beating = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def beat_for(self, client: Any, run_id: str) -> None:
        """Renew the time of one more run."""
        self.runs[run_id] = client
        if not self.thread.is_alive():
            self.thread.start()

    def rest_for(self, run_id: str) -> None:
        """Renew a run no longer: it is about to end."""
        with self.beating:
            self.runs.pop(run_id, None)

    def stop(self) -> None:
        """End it."""
        self.stopped.set()
        with self.beating:
            self.runs.clear()

    def _beat(self) -> None:
        while not self.stopped.wait(BEAT):
            for run_id in list(self.runs):
                # A store that is away may come back.
                with self.beating, suppress(Exception):
                    if client := self.runs.get(run_id):
                        client.set_tag(run_id, ALIVE, f"{time.time():.0f}")
                        if client.get_run(run_id).info.status != "RUNNING":
                            client.update_run(run_id, status="RUNNING")


def _folder(root: Path) -> Path:
    return root / ".goldfold" / "alive"


@functools.cache
def _own_name(root: Path) -> str:
    """Return this process's name, and hold its file until the process ends."""
    name = secrets.token_hex(8)
    _folder(root).mkdir(parents=True, exist_ok=True)
    file = os.open(_folder(root) / name, os.O_CREAT | os.O_RDWR)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return name


def _is_held(file: Path) -> bool | None:
    """Return whether a process holds a file; None where there is no such file, or no locks."""
    try:
        opened = os.open(file, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(opened)
    return False
