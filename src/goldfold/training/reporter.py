"""Reporters: what training calls while it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Plan:
    """What a fold is about to do."""

    name: str
    epochs: int
    steps: int
    training_rows: int
    validation_rows: int
    metric: str
    device: str
    precision: str
    threads: int
    epochs_done: int = 0


Row = dict[str, float]
"""A line of the history: epoch, train_loss, valid_loss, the metric, lr, rows_per_second, seconds, time (unix, s)."""


class Reporter(Protocol):
    """Called during a fold's training, to print or log it."""

    def note(self, text: str) -> None:
        """Report something that the competitor should know."""

    def attach(self, name: str, text: str) -> None:
        """Keep a text that the competitor may want to read again, as a file of that name."""

    def started(self, plan: Plan) -> None:
        """Report that a fold starts."""

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        """Report that a step is done; calling `loss`, the epoch's mean so far, waits for the device."""

    def epoch_ended(self, row: Row, best: bool) -> None:
        """Report that an epoch was trained and validated; `best` if it is the best so far."""

    def ended(self, done: bool) -> None:
        """Report that the training is over: `done`, or stopped."""


class Silent:
    """A reporter that ignores everything."""

    def note(self, text: str) -> None: ...

    def attach(self, name: str, text: str) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None: ...

    def epoch_ended(self, row: Row, best: bool) -> None: ...

    def ended(self, done: bool) -> None: ...


class Notes(Silent):
    """A reporter that passes on each note once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.said: set[str] = set()

    def note(self, text: str) -> None:
        if text not in self.said:
            self.said.add(text)
            self.say(text)


class Several:
    """Passes all calls on to several reporters."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self.reporters = reporters

    def note(self, text: str) -> None:
        for reporter in self.reporters:
            reporter.note(text)

    def attach(self, name: str, text: str) -> None:
        for reporter in self.reporters:
            reporter.attach(name, text)

    def started(self, plan: Plan) -> None:
        for reporter in self.reporters:
            reporter.started(plan)

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        for reporter in self.reporters:
            reporter.stepped(epoch, step, loss, lr)

    def epoch_ended(self, row: Row, best: bool) -> None:
        for reporter in self.reporters:
            reporter.epoch_ended(row, best)

    def ended(self, done: bool) -> None:
        for reporter in self.reporters:
            reporter.ended(done)
