"""Run jobs on this machine: in a process for each GPU or share of the cores, or one after another in this process."""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
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
from goldfold.errors import InputError
from goldfold.training.device import use_threads
from goldfold.training.reporter import Plan, Reporter, Row, Silent
from goldfold.training.stopping import Stop, Stopped, asked_to_stop, never, stop_after

POLL = 0.1
STEPS_EVERY = 0.2


class Pool:
    """Trainings on this machine, as many at once as there are places, each of which is a GPU, or None for the CPU.

    As a context it ends its processes, whatever they do.
    """

    def __init__(self, places: Sequence[int | None], threads: int) -> None:
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
        """Do all jobs, and yield each that is done; with one job or one place in this process, one after another.

        `share` returns the seconds that the next job may take, from the number of those that have not begun. A job whose process
        dies is done once more, alone. Raises what a job raises, after the others have saved their states; Stopped when `stop`
        gives a reason; InputError for a job whose process dies twice. Closed early, it has the jobs save their states too.
        """
        if min(len(jobs), len(self.places)) > 1:
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
                is_done = worker.future.done()
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
            worker.process.terminate()


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
    """A process that does one job after another and reports how they go."""

    def __init__(self, place: int | None, threads: int) -> None:
        self.place, self.threads = place, threads
        self.reports, self.theirs = CONTEXT.Pipe(duplex=False)
        self.executor = ProcessPoolExecutor(1, CONTEXT, _begin, (self.theirs, place))
        self.process: Any = None

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

    def error(self) -> BaseException | None:
        """Return what the job has raised, if anything."""
        error = self.future.exception()
        if not isinstance(error, BrokenProcessPool):
            return error
        self.process.join()
        self.reporter.ended(False)
        return _Died(self.process.exitcode)

    def alive(self) -> "_Worker":
        """Return this worker, or another one in its place if its process has died."""
        if self.process is None or self.process.is_alive():
            return self
        self.end()
        return _Worker(self.place, self.threads)

    def end(self) -> None:
        """End the process, whatever it does."""
        if self.process:
            self.process.kill()
            self.process.join()
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.reports.close()


_sender: "Sender"


def _begin(reports: Connection, place: int | None) -> None:
    """Begin a process of a worker."""
    global _sender
    _sender = Sender(reports)
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
    os.chdir(folder)
    try:
        with use_threads(threads), asked_to_stop([signal.SIGTERM]) as stop:
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
