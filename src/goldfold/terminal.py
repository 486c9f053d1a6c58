"""What a person reads in the terminal: progress, what prepare decided, and the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from goldfold.audit import Audit
    from goldfold.competition import Problem
    from goldfold.metrics import Array
    from goldfold.prediction import Submission
    from goldfold.training.reporter import Plan, Row
    from goldfold.validation import CVResult

REDRAW_EVERY = 0.2
NARROW = 60
SHOWN = 10


class FoldProgress:
    """A reporter that draws a bar per fold, or prints a line per epoch where the output is no terminal."""

    def __init__(self) -> None:
        self.console = Console()
        self.bar: Progress | None = None
        self.best = ""

    def noted(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def kept(self, name: str, text: str) -> None: ...

    def started(self, plan: Plan) -> None:
        self.plan, self.begun, self.drawn = plan, time.monotonic(), 0.0
        self.last: Row = {}
        self.console.print(
            f"{plan.name}: {plan.training_rows} training rows, {plan.validation_rows} validation rows, "
            f"{plan.epochs} epoch{'s' * (plan.epochs > 1)} on {plan.device} in {plan.precision}",
            highlight=False,
        )
        if self.console.is_terminal:
            columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn(16), TextColumn("{task.fields[told]}")]
            self.bar = Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True)
            self.task = self.bar.add_task("", total=plan.epochs * plan.steps, told="")
            self.bar.start()

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None:
        if self.bar is None or time.monotonic() - self.drawn < REDRAW_EVERY:
            return
        self.drawn = time.monotonic()
        done = epoch * self.plan.steps + step + 1
        here = done - self.plan.epochs_done * self.plan.steps
        rate = here * self.plan.training_rows / self.plan.steps / (self.drawn - self.begun)
        metric = self.last.get(self.plan.metric)
        judged = f"{self.plan.metric} {metric:.4f}" if metric is not None else f"{self.plan.metric} …"
        told = f"loss {loss():.4f}  {judged}  lr {lr:.1e}  {rate:.0f} rows/s"
        self.bar.update(
            self.task, completed=done, description=f"{self.plan.name} epoch {epoch + 1}/{self.plan.epochs}", told=told
        )

    def epoch_ended(self, row: Row, best: bool) -> None:
        self.last = row
        epoch = int(row["epoch"]) + 1
        left = (time.monotonic() - self.begun) / (epoch - self.plan.epochs_done) * (self.plan.epochs - epoch)
        line = (
            f"{self.plan.name} epoch {epoch:>2}/{self.plan.epochs}  loss {row['train_loss']:.4f}  "
            f"valid loss {row['valid_loss']:.4f}  {self.plan.metric} {row[self.plan.metric]:.4f}  "
            f"lr {row['lr']:.1e}  {row['rows_per_second']:.0f} rows/s  {clock(left)} left"
        )
        if best:
            self.best = f"{self.plan.metric} {row[self.plan.metric]:.4f} in epoch {epoch}"
        if self.bar is None:
            print(line + ("  best" if best else ""), flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the bar away and say how the fold went."""
        if self.bar is not None:
            self.bar.stop()
        if self.best:
            ended = "best" if kind is None else "stopped, best so far"
            self.console.print(f"{self.plan.name}: {ended} {self.best}, {clock(time.monotonic() - self.begun)}", highlight=False)


def input_progress(inputs: Iterable[Any], total: int) -> Iterator[Any]:
    """Pass `inputs` through, with a bar, or a line at the end where the output is no terminal."""
    console = Console()
    begun = time.monotonic()
    columns = (TextColumn("reading"), BarColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(inputs, total=total)
    console.print(f"read {total} inputs in {time.monotonic() - begun:.1f} s", highlight=False)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}  {task.speed or 0:.0f} rows/s")


def show_prepared(summary: dict[str, Any]) -> None:
    """Print what was worked out and decided, and what the folds hold."""
    console = Console()
    rows = summary["rows"]
    title = f"{summary['problem']['name']}: {rows['train']} training rows, {rows['test']} test rows, {summary['inputs']}"
    console.print(title, highlight=False, soft_wrap=True)
    decided = Table("decided", "", "why", box=None)
    for decision in summary["decided"]:
        decided.add_row(decision["setting"], decision["value"], decision["why"])
    console.print(decided, highlight=False)

    kind, content = next(iter(summary["content"].items()))
    each = len(" ".join(content)) <= NARROW
    folds = Table("fold", "rows", *(content if each else (f"fewest of {len(content)} {kind}", "most")), box=None)
    for fold, held in summary["folds"].items():
        values = held[kind].values() if each else (min(held[kind].values()), max(held[kind].values()))
        told = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
        folds.add_row("never" if fold == "-1" else fold, str(held["rows"]), *told)
    console.print(folds, highlight=False)
    blank = summary["blank"]
    for line in blank[:SHOWN]:
        console.print(f"left blank: {line}", highlight=False)
    if len(blank) > SHOWN:
        console.print(f"left blank: … and {len(blank) - SHOWN} more", highlight=False)


def show_audit(found: Audit | None) -> None:
    """Print a line for each finding of the audit, the serious ones marked, and where its page is."""
    if found is None:
        return
    console = Console()
    for each in found.findings:
        mark = "! " if each.serious else ""
        console.print(f"audit: {mark}{each.about}: {each.told}", highlight=False, soft_wrap=True, markup=False)
    told = "with pictures in" if found.findings else "nothing found, page at"
    console.print(f"audit: {told} {found.page}", highlight=False, soft_wrap=True)


def show_cv(result: CVResult) -> None:
    """Print the cross-validation score with its uncertainty, and per fold."""
    scores = result.scores
    drawn = f" in {scores.groups} groups" if scores.groups else ""
    print(
        f"CV          {scores.metric} {number(scores.score)}  ({scores.confidence:.0%} interval {number(scores.low)} to "
        f"{number(scores.high)}, {scores.rows} out-of-fold rows{drawn})"
    )
    if scores.raw is not None:
        told = "" if not result.problem.scored_by.better(scores.raw, scores.score) else "; worse than without: leave it out"
        print(f"postprocess {result.postprocess}: {scores.metric} {number(scores.raw)} → {number(scores.score)}, nested{told}")
    if scores.plain is not None:
        told = f"{scores.metric} {number(scores.plain)} → {number(scores.score)}"
        print(f"averaged    {told} over checkpoints and changed rows")
    print(f"per fold    {'  '.join(f'{fold}: {number(score)}' for fold, score in scores.folds.items())}", end="")
    print(f"  (mean {number(scores.mean)} ± {scores.deviation:.2g})" if len(scores.folds) > 1 else "", flush=True)


def show_result(
    result: CVResult, submission: Submission, path: Path, report: Path, run: str, test_score: str | None, cut: Sequence[str]
) -> None:
    """Print the card that a pipeline run ends with. `test_score` is that against known labels; `cut` trainings ended early."""
    print()
    show_cv(result)
    show_submission(submission, path, test_score)
    if cut:
        print(f"CUT SHORT   {', '.join(cut)} by train.max_hours; `goldfold resume` goes on with them")
    print(f"report      {report}: one file, for any browser")
    print(f"MLflow run  {run}")
    print("see it      make ui   (or, with the environment activated: goldfold ui)")
    sys.stdout.flush()


def show_submission(submission: Submission, path: Path, test_score: str | None) -> None:
    """Print where a submission lies, whether it is whole, and its score against known labels."""
    print(f"submission  {path}: {len(submission.sample)} rows, passed the contract of the sample submission")
    if not submission.is_whole:
        print(f"NOT TO SEND {len(submission.predictions)} rows were predicted (prepare.rows); the others are the sample's")
    if test_score:
        print(f"test score  {test_score}")


def show_predictions(problem: Problem, names: Sequence[str], predictions: Array, top: int) -> None:
    """Print the `top` most probable classes, the labels' probabilities, or the values, of each row."""
    outputs = [column.partition("_")[2] for column in problem.outputs]
    for name, row in zip(names, predictions.reshape(len(names), -1).tolist(), strict=True):
        if problem.task == "regression":
            told = [f"{output} {number(value)}" for output, value in zip(outputs, row, strict=True)]
        else:
            values = [1 - row[0], row[0]] if problem.task == "binary" else row
            ranked = sorted(zip(problem.classes or outputs, values, strict=True), key=lambda pair: -pair[1])
            told = [f"{label} {value:.4f}" for label, value in ranked[:top]]
        print(f"{name}  {'  '.join(told)}")


def number(score: float) -> str:
    """A score with five significant digits: 1.0000, 0.98765, 123.45."""
    return f"{score:#.5g}".rstrip(".")


def clock(seconds: float) -> str:
    """Seconds as 0:07 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
