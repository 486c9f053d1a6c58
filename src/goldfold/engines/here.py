"""Run jobs on this machine: in a process for each GPU or share of the cores, or one after another in this process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

import torch

from goldfold.engines.forks import CONTEXT, start_forkserver
from goldfold.engines.job import Job
from goldfold.engines.pool import POLL, Died, Pool, Sender, do, pass_on
from goldfold.training.device import machine, use_threads
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop, stop_after


class Processes(Pool["_Worker"]):
    """A pool on this machine, with a process for each place, which is a GPU, or None for the CPU."""

    def __init__(self, places: Sequence[int | None], threads: int) -> None:
        super().__init__(threads)
        self.begun: list[_Worker] = []
        self.free = [_Worker(place, threads, self.begun) for place in places]

    def __exit__(self, *_: object) -> None:
        for worker in self.begun:
            worker.end()

    def machine(self) -> list[Any]:
        with use_threads(self.threads):
            return machine()

    def run(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Generator[Job]:
        """Do all jobs as any pool does; with one job or one place in this process, one after another."""
        if min(len(jobs), self.at_once) > 1:
            yield from super().run(jobs, hear, share, stop)
            return
        with use_threads(self.threads):
            for done, job in enumerate(jobs):
                job.run(hear(job), stop_after(share(len(jobs) - done), stop))
                yield job

    def wait(self) -> None:
        wait([worker.reports for worker in self.busy], timeout=POLL)

    def hear(self) -> None:
        for worker in self.busy:
            worker.hear()


class _Worker:
    """A process that does one job after another and reports how they go; `begun` are all that have to be ended."""

    job: Job
    reporter: Reporter

    def __init__(self, place: int | None, threads: int, begun: list["_Worker"]) -> None:
        self.place, self.threads, self.begun = place, threads, begun
        self.reports, self.theirs = CONTEXT.Pipe(duplex=False)
        self.executor = ProcessPoolExecutor(1, CONTEXT, _begin, (self.theirs, place))
        self.process: Any = None
        begun.append(self)

    def start(self, job: Job, reporter: Reporter, seconds: float | None) -> None:
        self.job, self.reporter = job, reporter
        start_forkserver()
        before = set(multiprocessing.active_children())
        try:
            self.future: Future[None] = self.executor.submit(_work, job, Path.cwd(), self.threads, seconds)
        finally:
            if self.process is None:
                self.process = next(iter(set(multiprocessing.active_children()) - before), None)
                # That process alone holds this end from now on, and its death closes it.
                self.theirs.close()

    def is_done(self) -> bool:
        return self.future.done()

    def hear(self) -> None:
        """Pass on what the process has reported."""
        with suppress(EOFError, ConnectionError):
            while self.reports.poll():
                pass_on(self.reports.recv(), self.reporter)

    def error(self) -> BaseException | None:
        error = self.future.exception()
        if not isinstance(error, BrokenProcessPool):
            return error
        self.process.join()
        code = self.process.exitcode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return Died(f"its process was ended {how}, often for want of memory")

    def ask_to_stop(self) -> None:
        self.process.terminate()

    def alive(self) -> Self:
        if self.process is None or self.process.is_alive():
            return self
        self.end()
        return type(self)(self.place, self.threads, self.begun)

    def end(self) -> None:
        """End the process, whatever it does."""
        if self.process:
            self.process.kill()
            self.process.join()
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.reports.close()


_sender: Sender


def _begin(reports: Connection, place: int | None) -> None:
    """Begin a process of a worker."""
    global _sender
    _sender = Sender(reports.send)
    # Ctrl-C is for the process that started this one, which then asks it to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if place is not None:
        torch.cuda.set_device(place)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: Job, folder: Path, threads: int, seconds: float | None) -> None:
    """Do a job in a process of a worker."""
    do(partial(job.run, _sender), folder, threads, seconds, signal.SIGTERM)
