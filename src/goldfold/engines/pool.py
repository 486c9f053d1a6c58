"""A pool: jobs that run at once, what they report, and what becomes of one whose process dies."""

import os
import pickle
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from signal import Signals
from typing import Any, Generic, Protocol, Self, TypeVar

from goldfold.engines.job import Job
from goldfold.errors import InputError
from goldfold.training.device import use_threads
from goldfold.training.reporter import Plan, Reporter, Row, Silent
from goldfold.training.stopping import Stop, Stopped, asked_to_stop, never, stop_after

POLL = 0.1
STEPS_EVERY = 0.2


class Worker(Protocol):
    """What does one job at a time, in another process."""

    job: Job
    reporter: Reporter

    def start(self, job: Job, reporter: Reporter, seconds: float | None) -> None:
        """Begin a job, which may take some seconds."""

    def is_done(self) -> bool:
        """Return whether the job has ended."""

    def error(self) -> BaseException | None:
        """Return what the job that has ended has raised, if anything."""

    def ask_to_stop(self) -> None:
        """Have the job save its state and end."""

    def kill(self) -> None:
        """End the job at once."""

    def alive(self) -> Self:
        """Return this worker, or another one in its place if it can do no further job."""


W = TypeVar("W", bound=Worker)


class Pool(ABC, Generic[W]):
    """Trainings in other processes, as many at once as there are workers, each with some threads.

    As a context it ends its processes, whatever they do. `patience` is how many seconds jobs that are asked to stop have to save
    their states before they are ended; as long as they need by default.
    """

    def __init__(self, threads: int, patience: float | None = None) -> None:
        self.threads, self.patience = threads, patience
        self.free: list[W] = []
        self.busy: list[W] = []
        self.failure: BaseException | None = None
        self.halted: float | None = None

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def machine(self) -> list[Any]:
        """Return what the bits of its trainings depend on, as goldfold.training.device.machine does."""

    @abstractmethod
    def wait(self) -> None:
        """Wait until a busy worker has something to say, at most POLL seconds."""

    @abstractmethod
    def hear(self) -> None:
        """Pass on what the busy workers have reported."""

    @property
    def at_once(self) -> int:
        """How many jobs it does at once."""
        return len(self.free) + len(self.busy)

    def run(
        self, jobs: Sequence[Job], hear: Callable[[Job], Reporter], share: Callable[[int], float | None], stop: Stop
    ) -> Generator[Job]:
        """Do all jobs, and yield each that is done.

        `share` returns the seconds that the next job may take, from the number of those that have not begun. A job whose process
        dies is done once more, alone; one whose machine is lost goes on elsewhere. Raises what a job raises, after the others
        have saved their states; Stopped when `stop` gives a reason; InputError for a job whose process dies twice. Closed early,
        it has the jobs save their states too.
        """
        self.failure, self.halted, died = None, None, []
        try:
            for job, error in self._ended(jobs, hear, share, stop):
                if isinstance(error, Died):
                    died.append(job)
                elif error:
                    self._fail(error)
                else:
                    yield job
            for job in died:
                # Alone it has all the memory.
                for _, error in self._ended([job], hear, share, stop):
                    if error:
                        self._fail(error.told(job) if isinstance(error, Died) else error)
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
                worker.start(job, hear(job), seconds)
                self.busy.append(worker)
            self.wait()
            if self.patience is not None and self.halted and time.monotonic() - self.halted > self.patience:
                for worker in self.busy:
                    worker.kill()
            done = [worker for worker in self.busy if worker.is_done()]
            self.hear()
            for worker in done:
                self.busy.remove(worker)
                self.free.append(worker)
                error = worker.error()
                if isinstance(error, Died):
                    worker.reporter.ended(False)
                    if not self.failure:
                        worker.reporter.note(f"{worker.job.name}: {error}")
                if isinstance(error, Lost):
                    waiting.append(worker.job)
                else:
                    yield worker.job, error
            if stop():
                self._fail(Stopped("what was trained is saved; the same command goes on"))

    def _fail(self, error: BaseException) -> None:
        """After the first failure the others save their states, and no further job begins."""
        if self.failure is None:
            self.failure = error
            self._halt()

    def _halt(self) -> None:
        self.halted = self.halted or time.monotonic()
        for worker in self.busy:
            worker.ask_to_stop()


class Died(Exception):
    """A process ended without a word."""

    def told(self, job: Job) -> InputError:
        """Return the message of a job whose process dies again."""
        return InputError(
            f"{job.name}: {self}, twice",
            mend="set runtime.jobs: 1, or a smaller train.batch_size; the same command goes on with what is saved",
        )


class Lost(Died):
    """A process ended with its machine: no fault of its job."""


def do(run: Callable[[Stop], None], folder: Path, threads: int, seconds: float | None, signal: Signals) -> None:
    """Do a job in a process that is there for it, in a folder, until `signal` asks it to stop; what it raises can be sent."""
    os.chdir(folder)
    try:
        with use_threads(threads), asked_to_stop([signal]) as stop:
            run(stop_after(seconds, stop))
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

    def __init__(self, send: Callable[[tuple[Any, ...]], None]) -> None:
        self.send, self.last = send, 0.0

    def note(self, text: str) -> None:
        self.send(("note", text))

    def attach(self, name: str, text: str) -> None:
        self.send(("attach", name, text))

    def started(self, plan: Plan) -> None:
        self.send(("started", plan))

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        if time.monotonic() - self.last >= STEPS_EVERY:
            self.send(("stepped", epoch, step, loss(), lr))
            self.last = time.monotonic()

    def epoch_ended(self, row: Row, best: bool) -> None:
        self.send(("epoch_ended", row, best))

    def ended(self, done: bool) -> None:
        self.send(("ended", done))


def pass_on(report: tuple[Any, ...], reporter: Reporter) -> None:
    """Call a reporter as a Sender was called elsewhere."""
    name, *arguments = report
    if name == "stepped":
        epoch, step, loss, lr = arguments
        reporter.stepped(epoch, step, partial(float, loss), lr)
    else:
        getattr(reporter, name)(*arguments)
