"""What all of a configuration takes, worked out on a few rows: time, memory, disk."""

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from goldfold.competition import Competition
from goldfold.config import Config
from goldfold.engines.folds import places_of, threads_of
from goldfold.errors import BudgetError
from goldfold.identity import result_key
from goldfold.prepare.apart import prepare_apart
from goldfold.race.cost import Rows, measured_cost
from goldfold.training.device import use_threads
from goldfold.training.stopping import never, stop_after

FEW = 2000
"""The rows that are prepared; `goldfold.race.cost` trains on fewer."""
SECONDS = 45.0
"""How long the preparation and the trials may take: with imports and the rehearsal it ends within a minute."""


@dataclass(frozen=True)
class Estimate:
    """The seconds that all folds take, with their predictions and the preparation; how many trainings there are, and at once.

    `memory` is the most that a training had of the machine's memory, and `gpu_memory` of the GPU's; `disk` is what the prepared
    set and the checkpoints need, in bytes.
    """

    rows: int
    tried_rows: int
    prepare_seconds: float
    seconds: float
    trainings: int
    at_once: int
    memory: int
    gpu_memory: int
    disk: int
    disk_free: int


def estimate(config: Config, competition: Competition, scratch: Path) -> Estimate:
    """Prepare and train on a few rows, and scale to all of them; raises BudgetError where a minute is too short for that."""
    began = time.monotonic()
    rows = min(config.prepare.rows or FEW, FEW)
    few = config.model_copy(update={"prepare": config.prepare.model_copy(update={"rows": rows})})
    prepared = prepare_apart(few, scratch, competition)
    took = time.monotonic() - began
    train, test = (
        len(whole) / max(len(part), 1) for whole, part in ((competition.train, prepared.train), (competition.test, prepared.test))
    )
    threads = threads_of(config.runtime, prepared)
    stop, kept = stop_after(SECONDS - took, never), scratch / "tried" / f"{result_key(prepared, few)}.json"
    with use_threads(threads):
        cost = measured_cost(prepared, few, stop, kept, within=SECONDS - took)
    if stop():
        raise BudgetError(
            f"{SECONDS:.0f} s are too short to train this on a handful of rows",
            mend="make it smaller (model.image_size, another backbone), or train it where there is a GPU",
        )
    trainings = len(config.trainings)
    at_once = min(len(places_of(config.runtime, threads)), trainings)
    inputs = sum(_sizes(prepared.folder)) * max(train, test)
    return Estimate(
        rows=len(competition.train),
        tried_rows=max(cost.epoch.rows),
        prepare_seconds=took * max(train, test),
        seconds=cost.of_all(Rows.of(prepared, config.split.folds).times(train, test), config, at_once),
        trainings=trainings,
        at_once=at_once,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        gpu_memory=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
        disk=int(inputs + trainings * cost.checkpoint * config.train.keep_best),
        disk_free=shutil.disk_usage(".").free,
    )


def _sizes(folder: Path) -> Iterable[int]:
    return (os.stat(path).st_size for path in folder.rglob("*") if path.is_file())
