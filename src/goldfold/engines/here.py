"""Run jobs on this machine: in a process for each GPU or share of the cores, or one after another in this process."""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from uuid import uuid4

import torch

from goldfold.engines.forks import CONTEXT, start_forkserver
from goldfold.engines.job import Job
from goldfold.errors import InputError
from goldfold.training.device import use_threads
from goldfold.training.ranks import LostRank, joined
from goldfold.training.reporter import Plan, Reporter, Row, Silent
from goldfold.training.stopping import Stop, Stopped, asked_to_stop, never, stop_after

POLL = 0.1
STEPS_EVERY = 0.2
LAST_WORDS = 5.0
"""Seconds that the other ranks have to end by themselves where one has failed."""
Place = tuple[int | None, ...]
"""The devices that train a fold together, a process each: a GPU, or None for the CPU."""


class Pool:
    """Trainings on this machine, as many at once as there are places.

    As a context it ends its processes, whatever they do.
    """

    def __init__(self, places: Sequence[Place], threads: int) -> None:
        self.places, self.threads = places, threads
        self.free = [_Worker(place, threads) for place in places]
        self.busy: list[_Worker] = []
        self.all = set(self.free)
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.all:
            worker.end()

    def run(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Generator[Job]:
        """Do all jobs, and yield each that is done; with one job or one place, of one device, in this process, one by one.

        `share` returns the seconds that the next job may take, from the number of those that have not begun. A job whose process
        dies is done once more, alone. Raises what a job raises, after the others have saved their states; Stopped when `stop`
        gives a reason; InputError for a job whose process dies twice. Closed early, it has the jobs save their states too.
        """
        if jobs and (min(len(jobs), len(self.places)) > 1 or len(self.places[0]) > 1):
            yield from self._run_at_once(jobs, hear, share, stop)
            return
        with use_threads(self.threads):
            for done, job in enumerate(jobs):
                job.run(hear(job), stop_after(share(len(jobs) - done), stop))
                yield job

    def _run_at_once(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Iterator[Job]:
        self.failure, died = None, []
        try:
            for job, error in self._ended(jobs, hear, share, stop):
                if isinstance(error, _Died):
                    died.append(job)
                elif error:
                    self._fail(error)
                else:
                    yield job
            for job in died:
                # Alone it has all the memory.
                for _, error in self._ended([job], hear, share, stop):
                    if error:
                        self._fail(error.told(job) if isinstance(error, _Died) else error)
                    else:
                        yield job
        finally:
            for worker in self.busy:
                worker.reporter = Silent()
            self._halt()
            for _ in self._ended([], hear, share, never):
                pass
        if self.failure:
            raise self.failure

    def _ended(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Iterator[tuple[Job, BaseException | None]]:
        """Yield each job as it ends, with its error if it has failed."""
        waiting = deque(jobs)
        while self.busy or (waiting and not self.failure):
            while waiting and self.free and not self.failure:
                worker, seconds, job = self.free.pop(0).alive(), share(len(waiting)), waiting.popleft()
                self.all.add(worker)
                worker.start(job, hear(job), seconds)
                self.busy.append(worker)
            wait([worker.reports for worker in self.busy], timeout=POLL)
            for worker in [*self.busy]:
                is_done = worker.is_done()
                worker.hear()
                if is_done:
                    self.busy.remove(worker)
                    self.free.append(worker)
                    error = worker.error()
                    if isinstance(error, _Died) and not self.failure:
                        worker.reporter.note(f"{worker.job.name}: {error}")
                    yield worker.job, error
            if stop():
                self._fail(Stopped("what was trained is saved; the same command goes on"))

    def _fail(self, error: BaseException) -> None:
        """After the first failure the others save their states, and no further job begins."""
        if self.failure is None:
            self.failure = error
            self._halt()

    def _halt(self) -> None:
        for worker in self.busy:
            worker.ask_to_stop()


class _Died(Exception):
    """A process ended without a word."""

    def __init__(self, code: int) -> None:
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        super().__init__(f"its process was ended {how}, often for want of memory")

    def told(self, job: Job) -> InputError:
        return InputError(
            f"{job.name}: {self}, twice",
            mend="set runtime.jobs: 1, or a smaller train.batch_size; the same command goes on with what is saved",
        )


class _Worker:
    """A process for each device of a place, which together do one job after another; the main one reports how they go."""

    def __init__(self, place: Place, threads: int) -> None:
        self.place, self.threads = place, threads
        self.reports, self.theirs = CONTEXT.Pipe(duplex=False)
        # Each process takes its rank from it.
        ranks = CONTEXT.SimpleQueue()
        for ranked in enumerate(place):
            ranks.put(ranked)
        self.executor = ProcessPoolExecutor(len(place), CONTEXT, _begin, (self.theirs, ranks))
        self.processes: list[Any] = []
        self.room = TemporaryDirectory(prefix="goldfold-", ignore_cleanup_errors=True)

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
                name, *arguments = self.reports.recv()
                if name == "stepped":
                    epoch, step, loss, lr = arguments
                    self.reporter.stepped(epoch, step, partial(float, loss), lr)
                else:
                    getattr(self.reporter, name)(*arguments)

    def is_done(self) -> bool:
        """Return whether all ranks are done, or one has failed, after which the others end too."""
        done = [future for future in self.futures if future.done()]
        return len(done) == len(self.futures) or any(future.exception() for future in done)

    def error(self) -> BaseException | None:
        """Return what the job has raised, if anything: of several ranks, what one that missed another knows least of."""
        done, hanging = futures.wait(self.futures, LAST_WORDS)
        self.hear()
        errors = [error for future in done if (error := future.exception())]
        if not any(isinstance(error, BrokenProcessPool) for error in errors):
            if hanging:
                self._kill()
            return min(errors, key=lambda error: isinstance(error, LostRank), default=None)
        wait([process.sentinel for process in self.processes])
        # When one dies, the executor asks the others to end.
        codes = {process.exitcode for process in self.processes} - {None}
        self._kill()
        self.reporter.ended(False)
        return _Died(next(iter(codes - {-signal.SIGTERM}), -signal.SIGTERM))

    def ask_to_stop(self) -> None:
        """Have the job save its state and end."""
        for process in self.processes:
            process.terminate()

    def alive(self) -> "_Worker":
        """Return this worker, or another one in its place if one of its processes has died."""
        if all(process.is_alive() for process in self.processes):
            return self
        self.end()
        return _Worker(self.place, self.threads)

    def end(self) -> None:
        """End the processes, whatever they do."""
        self._kill()
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.reports.close()
        self.room.cleanup()

    def _kill(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()


_sender: Reporter
_rank: int


def _begin(reports: Connection, ranks: "SimpleQueue[tuple[int, int | None]]") -> None:
    """Begin a process of a worker."""
    global _sender, _rank
    _rank, device = ranks.get()
    _sender = Sender(reports) if _rank == 0 else Silent()
    # Ctrl-C is for the process that started this one, which then asks it to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if device is not None:
        torch.cuda.set_device(device)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: Job, folder: Path, threads: int, seconds: float | None, world: int, meeting: Path) -> None:
    """Do a job in a process of a worker, together with its others."""
    os.chdir(folder)
    try:
        with use_threads(threads), asked_to_stop([signal.SIGTERM]) as stop, joined(_rank, world, meeting):
            job.run(_sender, stop_after(seconds, stop))
    except Exception as error:
        if not _can_be_sent(error):
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        raise


def _can_be_sent(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


class Sender:
    """A reporter that passes all calls on to another process, steps at most a few times a second."""

    def __init__(self, reports: Connection) -> None:
        self.reports, self.last = reports, 0.0

    def note(self, text: str) -> None:
        self.reports.send(("note", text))

    def attach(self, name: str, text: str) -> None:
        self.reports.send(("attach", name, text))

    def started(self, plan: Plan) -> None:
        self.reports.send(("started", plan))

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        if time.monotonic() - self.last >= STEPS_EVERY:
            self.reports.send(("stepped", epoch, step, loss(), lr))
            self.last = time.monotonic()

    def epoch_ended(self, row: Row, best: bool) -> None:
        self.reports.send(("epoch_ended", row, best))

    def ended(self, done: bool) -> None:
        self.reports.send(("ended", done))
