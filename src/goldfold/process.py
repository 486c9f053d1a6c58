"""How a process ends, keeps its memory and shares the cores, better than by the defaults of Python and C."""

import contextlib
import ctypes
import functools
import gc
import io
import multiprocessing
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from goldfold.errors import escaped, exit_with_message

COLLECTED_AFTER = (100_000, 50, 100)
QUOTA = Path("/sys/fs/cgroup/cpu.max")
FRAME = re.compile(r'^ *File "(.+)", line (\d+)', re.MULTILINE)
# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


class Plain:
    """A stream on which what data says commands no terminal; `stream` is that behind it, for who draws."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text in which such commands are spelled out."""
        return self.stream.write(escaped(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def run_to_end(main: Callable[[], None]) -> NoReturn:
    """Run `main`, print its errors, and end the process with its exit code.

    Garbage is collected seldom, and the libraries are not torn down at the end: with torch, timm and MLflow the two take
    longer than the imports themselves. So `main` does the imports, and flushes what it writes.
    """
    gc.set_threshold(*COLLECTED_AFTER)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may hold what no encoding writes.
        sys.stdout.reconfigure(errors="backslashreplace")
        sys.stdout = cast(TextIO, Plain(sys.stdout))
    code: int | str | None = 1
    try:
        with exit_with_message():
            main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException as error:
        traceback.print_exc()
        print(f"\ngoldfold: {_blame(error)}", file=sys.stderr)
    for child in multiprocessing.active_children():
        child.kill()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _blame(error: BaseException) -> str:
    """Return whose an unexpected error is, and where to report it."""
    # As a text it has the lines of another process too.
    lines = FRAME.findall("".join(traceback.format_exception(error)))
    own = [(file, line) for file, line in lines if "own" in Path(file).parts[-3:-1]]
    if own:
        return f"the error came up in your own code, {own[-1][0]}, line {own[-1][1]}"
    return "this is a bug in goldfold; please report it, with the lines above, where you cloned goldfold from (git remote -v)"


def cores(quota: Path = QUOTA) -> int:
    """Return how many cores may be used: those of the machine, of the container's quota, at most OMP_NUM_THREADS."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = quota.read_text(encoding="utf-8").split() if quota.is_file() else ["max"]
    lent = max(1, round(int(share[0]) / int(share[1]))) if share[0] != "max" else here
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, lent, max(1, int(asked)) if asked.isdigit() else here)


@functools.cache
def keep_freed_memory() -> None:
    """Have glibc keep freed memory for reuse; by default it returns large blocks, and the kernel zeroes them each time.

    On two cores a ResNet18 trains 1.14 times as fast. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_TOP_PAD, 64 * 2**20)
