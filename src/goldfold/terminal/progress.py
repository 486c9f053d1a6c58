"""Progress: of a fold that is trained, and of inputs that are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TimeRemainingColumn
from rich.text import Text

from goldfold.terminal.numbers import clock
from goldfold.terminal.plain import PlainConsole, plain_column

if TYPE_CHECKING:
    from goldfold.training.reporter import Plan, Row

REDRAW_EVERY = 0.2


class TrainingProgress:
    """Draws a bar for each fold that is being trained and one for all; a line per epoch where the output is no terminal."""

    def __init__(self, trainings: int = 1) -> None:
        self.console = PlainConsole()
        self.bars: Progress | None = None
        self.trainings = trainings

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            columns: list[ProgressColumn] = [
                plain_column("{task.description}"),
                BarColumn(16),
                plain_column("{task.fields[status]}"),
            ]
            self.bars = Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True)
            if self.trainings > 1:
                self.all = self.bars.add_task("all folds", total=self.trainings, status=f"0 of {self.trainings}")
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()

    def fold(self) -> FoldProgress:
        """Return the reporter of one more fold."""
        return FoldProgress(self)

    def fold_ended(self) -> None:
        """Count a fold that is done."""
        if self.bars is not None and self.trainings > 1:
            self.bars.advance(self.all)
            self.bars.update(self.all, status=f"{self.bars.tasks[0].completed:.0f} of {self.trainings}")


class FoldProgress:
    """A reporter that draws the progress of a fold, or prints it."""

    def __init__(self, progress: TrainingProgress | None = None) -> None:
        self.progress = progress or TrainingProgress()
        self.console = self.progress.console
        self.best = ""
        self.task: TaskID | None = None

    def note(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def attach(self, name: str, text: str) -> None: ...

    def started(self, plan: Plan) -> None:
        self.plan, self.begun, self.drawn = plan, time.monotonic(), 0.0
        self.last: Row = {}
        self.console.print(
            f"{plan.name}: {plan.training_rows} training and {plan.validation_rows} validation rows, "
            f"{plan.epochs} epoch{'s' * (plan.epochs > 1)} on {plan.device} in {plan.precision}, "
            f"{plan.threads} thread{'s' * (plan.threads > 1)}",
            soft_wrap=True,
        )
        if self.progress.bars:
            self.task = self.progress.bars.add_task(plan.name, total=plan.epochs * plan.steps, status="")

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        if self.progress.bars is None or self.task is None or time.monotonic() - self.drawn < REDRAW_EVERY:
            return
        self.drawn = time.monotonic()
        done = epoch * self.plan.steps + step + 1
        here = done - self.plan.epochs_done * self.plan.steps
        rate = here * self.plan.training_rows / self.plan.steps / (self.drawn - self.begun)
        metric = self.last.get(self.plan.metric)
        judged = f"{self.plan.metric} {metric:.4f}" if metric is not None else f"{self.plan.metric} …"
        status = f"loss {loss():.4f}  {judged}  lr {lr:.1e}  {rate:.0f} rows/s"
        name = f"{self.plan.name} epoch {epoch + 1}/{self.plan.epochs}"
        self.progress.bars.update(self.task, completed=done, description=name, status=status)

    def epoch_ended(self, row: Row, best: bool) -> None:
        self.last = row
        epoch = int(row["epoch"]) + 1
        left = (time.monotonic() - self.begun) / (epoch - self.plan.epochs_done) * (self.plan.epochs - epoch)
        # A refit is not validated.
        validated = "valid_loss" in row
        judged = f"valid loss {row['valid_loss']:.4f}  {self.plan.metric} {row[self.plan.metric]:.4f}  " if validated else ""
        line = (
            f"{self.plan.name} epoch {epoch:>2}/{self.plan.epochs}  loss {row['train_loss']:.4f}  {judged}"
            f"lr {row['lr']:.1e}  {row['rows_per_second']:.0f} rows/s  {clock(left)} left"
        )
        if best and validated:
            self.best = f"{self.plan.metric} {row[self.plan.metric]:.4f} in epoch {epoch}"
        if self.progress.bars is None:
            print(line + ("  best" if best and validated else ""), flush=True)

    def ended(self, done: bool) -> None:
        """Take the fold's bar away and say how it went."""
        if self.task is not None and self.progress.bars:
            self.progress.bars.remove_task(self.task)
            self.task = None
        if done:
            self.progress.fold_ended()
        if self.best:
            ended = "best" if done else "stopped, best so far"
            self.console.print(f"{self.plan.name}: {ended} {self.best}, {clock(time.monotonic() - self.begun)}")


def input_progress(inputs: Iterable[Any], total: int) -> Iterator[Any]:
    """Pass `inputs` through, with a bar, or a line at the end where the output is no terminal."""
    console = PlainConsole()
    begun = time.monotonic()
    columns = (plain_column("reading"), BarColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(inputs, total=total)
    console.print(f"read {total} inputs in {time.monotonic() - begun:.1f} s")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}  {task.speed or 0:.0f} rows/s")
