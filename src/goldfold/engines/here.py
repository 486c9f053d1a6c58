"""Run jobs on this machine: in a process for each GPU or share of the cores, or one after another in this process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from uuid import uuid4

import torch

from goldfold.engines.forks import CONTEXT, start_forkserver
from goldfold.engines.job import Job
from goldfold.engines.pool import POLL, Died, Pool, Sender, do, pass_on
from goldfold.training.device import machine, use_threads
from goldfold.training.ranks import LostRank, joined
from goldfold.training.reporter import Reporter, Silent
from goldfold.training.stopping import Stop, stop_after

LAST_WORDS = 5.0
"""Seconds that the other ranks have to end by themselves where one has failed."""
Place = tuple[int | None, ...]
"""The devices that train a fold together, a process each: a GPU, or None for the CPU."""


class Processes(Pool["_Worker"]):
    """A pool on this machine, as many trainings at once as there are places.

    With `patience` all of them are in processes of their own, which can be ended.
    """

    def __init__(self, places: Sequence[Place], threads: int, patience: float | None = None) -> None:
        super().__init__(threads, patience)
        self.devices = len(places[0])
        self.begun: list[_Worker] = []
        self.free = [_Worker(place, threads, self.begun) for place in places]

    def __exit__(self, *_: object) -> None:
        for worker in self.begun:
            worker.end()

    def machine(self) -> list[Any]:
        with use_threads(self.threads):
            return machine(self.devices)

    def run(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Generator[Job]:
        """Do all jobs as any pool does; with one job or one place, of one device, in this process, one after another."""
        if jobs and (min(len(jobs), self.at_once) > 1 or self.devices > 1 or self.patience is not None):
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
    """A process for each device of a place, which together do one job after another; the main one reports how they go.

    `begun` are all workers that have to be ended.
    """

    job: Job
    reporter: Reporter

    def __init__(self, place: Place, threads: int, begun: list["_Worker"]) -> None:
        self.place, self.threads, self.begun = place, threads, begun
        self.reports, self.theirs = CONTEXT.Pipe(duplex=False)
        # Each process takes a byte, its rank. A queue would leave semaphores behind when this process ends at once.
        self.ranks, giving = CONTEXT.Pipe(duplex=False)
        os.write(giving.fileno(), bytes(range(len(place))))
        giving.close()
        self.executor = ProcessPoolExecutor(len(place), CONTEXT, _begin, (self.theirs, self.ranks, place))
        self.processes: list[Any] = []
        self.room = TemporaryDirectory(prefix="goldfold-", ignore_cleanup_errors=True)
        begun.append(self)

    def start(self, job: Job, reporter: Reporter, seconds: float | None) -> None:
        self.job, self.reporter = job, reporter
        start_forkserver()
        before = set(multiprocessing.active_children())
        meeting = len(self.place), Path(self.room.name, uuid4().hex)
        try:
            # Each is taken by another process, as none is done before all have begun.
            self.futures = [self.executor.submit(_work, job, Path.cwd(), self.threads, seconds, *meeting) for _ in self.place]
        finally:
            if not self.processes:
                self.processes = [*set(multiprocessing.active_children()) - before]
                # These processes alone hold this end from now on, and their death closes it.
                self.theirs.close()

    def hear(self) -> None:
        """Pass on what the process has reported."""
        with suppress(EOFError, ConnectionError):
            while self.reports.poll():
                pass_on(self.reports.recv(), self.reporter)

    def is_done(self) -> bool:
        # Where one has failed, the others end too.
        done = [future for future in self.futures if future.done()]
        return len(done) == len(self.futures) or any(future.exception() for future in done)

    def error(self) -> BaseException | None:
        """Return what the job has raised, if anything: of several ranks, what one that missed another knows least of."""
        done, hanging = futures.wait(self.futures, LAST_WORDS)
        self.hear()
        errors = [error for future in done if (error := future.exception())]
        if not any(isinstance(error, BrokenProcessPool) for error in errors):
            if hanging:
                self._end_processes()
            return min(errors, key=lambda error: isinstance(error, LostRank), default=None)
        wait([process.sentinel for process in self.processes])
        # When one dies, the executor asks the others to end.
        codes = {process.exitcode for process in self.processes} - {None}
        self._end_processes()
        code = next(iter(codes - {-signal.SIGTERM}), -signal.SIGTERM)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return Died(f"its process was ended {how}, often for want of memory")

    def ask_to_stop(self) -> None:
        for process in self.processes:
            process.terminate()

    def kill(self) -> None:
        for process in self.processes:
            process.kill()

    def alive(self) -> Self:
        if all(process.is_alive() for process in self.processes):
            return self
        self.end()
        return type(self)(self.place, self.threads, self.begun)

    def end(self) -> None:
        """End the processes, whatever they do."""
        self._end_processes()
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.reports.close()
        self.ranks.close()
        self.room.cleanup()

    def _end_processes(self) -> None:
        self.kill()
        for process in self.processes:
            process.join()


_sender: Reporter
_rank: int


def _begin(reports: Connection, ranks: Connection, place: Place) -> None:
    """Begin a process of a worker."""
    global _sender, _rank
    _rank = os.read(ranks.fileno(), 1)[0]
    _sender = Sender(reports.send) if _rank == 0 else Silent()
    # Ctrl-C is for the process that started this one, which then asks it to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    device = place[_rank]
    if device is not None:
        torch.cuda.set_device(device)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: Job, folder: Path, threads: int, seconds: float | None, world: int, meeting: Path) -> None:
    """Do a job in a process of a worker, together with its others."""

    def run(stop: Stop) -> None:
        with joined(_rank, world, meeting):
            job.run(_sender, stop)

    do(run, folder, threads, seconds, signal.SIGTERM)
