"""What training reports while it runs."""

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
    epochs_done: int = 0


Row = dict[str, float]
"""A line of the history: epoch, train_loss, valid_loss, the metric, lr, rows_per_second, seconds, time (unix, s)."""


class Reporter(Protocol):
    """Hears of a fold's training as it goes; the loop knows nothing of where that ends up."""

    def noted(self, text: str) -> None:
        """Something was decided or happened that the competitor should know."""

    def kept(self, name: str, text: str) -> None:
        """A text that the competitor may want to read again, as a file of that name."""

    def started(self, plan: Plan) -> None:
        """A fold starts."""

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        """A step is done; `loss`, the epoch's mean so far, costs a synchronisation with the device when called."""

    def epoch_ended(self, row: Row, best: bool) -> None:
        """An epoch is over and its validation done; `best` says that it gave the best checkpoint so far."""


class Silent:
    """A reporter that says nothing."""

    def noted(self, text: str) -> None: ...

    def kept(self, name: str, text: str) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None: ...

    def epoch_ended(self, row: Row, best: bool) -> None: ...


class Several:
    """Several reporters as one."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self.reporters = reporters

    def noted(self, text: str) -> None:
        for reporter in self.reporters:
            reporter.noted(text)

    def kept(self, name: str, text: str) -> None:
        for reporter in self.reporters:
            reporter.kept(name, text)

    def started(self, plan: Plan) -> None:
        for reporter in self.reporters:
            reporter.started(plan)

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        for reporter in self.reporters:
            reporter.stepped(epoch, step, loss, lr)

    def epoch_ended(self, row: Row, best: bool) -> None:
        for reporter in self.reporters:
            reporter.epoch_ended(row, best)
