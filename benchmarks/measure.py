"""How a ratio is measured: each contender in a process of its own, all taking turns, the median of the rounds."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

ROUNDS = 5

Contender = Callable[[], Callable[[], Any]]
"""Sets up in its own process (so it must pickle), and returns what is timed there again and again."""


@dataclass(frozen=True)
class Row:
    """A line of the table: goldfold's figure and its rival's, the ratio between them and the least that was promised."""

    what: str
    against: str
    ours: str
    theirs: str
    ratio: float | None
    least: str
    met: bool
    note: str = ""

    def cells(self) -> list[str]:
        """The line as the table shows it."""
        ratio = f"{self.ratio:.2f} x" if self.ratio is not None else "-"
        return [self.what, self.against, self.ours, self.theirs, ratio, self.least, "yes" if self.met else "NO", self.note]


@dataclass(frozen=True)
class Timed:
    """The seconds that a contender took in each round, and what it returned in the last."""

    seconds: list[float]
    result: Any


def take_turns(contenders: Mapping[str, Contender], rounds: int = ROUNDS, warm_up: bool = True) -> dict[str, Timed]:
    """Time the contenders, one at a time; the order turns, so that none always follows the same one.

    Processes of their own, since one's settings (threads, memory) would be the other's too.
    """
    names, context = list(contenders), multiprocessing.get_context("spawn")
    pipes = {}
    for name in names:
        pipes[name], end = context.Pipe()
        context.Process(target=_serve, args=(contenders[name], end)).start()
    for pipe in pipes.values():
        pipe.recv()
    told: dict[str, list[tuple[float, Any]]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            pipes[name].send("go")
            told[name].append(pipes[name].recv())
    for pipe in pipes.values():
        pipe.send("end")
    return {name: Timed([seconds for seconds, _ in rows[-rounds:]], rows[-1][1]) for name, rows in told.items()}


def _serve(contender: Contender, pipe: Connection) -> None:
    run = contender()
    pipe.send("ready")
    while pipe.recv() == "go":
        started = time.perf_counter()
        result = run()
        pipe.send((time.perf_counter() - started, result))


def ratio(theirs: Timed, ours: Timed, count: float = 1.0) -> float:
    """How many times as long the rival takes for a row: the median of the rounds' ratios; it does `count` times as many rows."""
    return median(their / our for their, our in zip(theirs.seconds, ours.seconds, strict=True)) / count


def per_second(count: int, timed: Timed) -> str:
    """The median throughput."""
    return f"{count / median(timed.seconds):,.0f}/s"


def table(lines: list[list[str]]) -> str:
    """Lines of cells as a table in Markdown, the first of them its header."""
    told = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([told[0], "|" + "---|" * len(lines[0]), *told[1:]])
