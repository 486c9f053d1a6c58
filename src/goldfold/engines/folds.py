"""Train every fold with every seed on the devices that there are."""

from collections.abc import Callable, Generator
from contextlib import closing, nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldfold.config import Config
from goldfold.config.runtime import RuntimeConfig
from goldfold.engines.cluster import Cluster
from goldfold.engines.here import Processes
from goldfold.engines.job import Job
from goldfold.engines.pool import Pool
from goldfold.errors import InputError
from goldfold.identity import training_key
from goldfold.prepare import PreparedSet
from goldfold.process import cores
from goldfold.training.device import find_device, machine, use_threads
from goldfold.training.fold_result import FoldResult
from goldfold.training.reporter import Reporter
from goldfold.training.state import RESULT, STATES
from goldfold.training.stopping import Stop, share_of_hours
from goldfold.training.train import train_fold


def train_folds(
    prepared: PreparedSet,
    config: Config,
    folder: Path,
    scratch: Path,
    hear: Callable[[str], Reporter],
    stop: Stop,
    pool: Pool[Any] | None = None,
) -> Generator[FoldResult]:
    """Train the folds of split.folds with each of train.seeds, and yield each result when it stands in `folder`/<fold>/<seed>.

    What is trained already comes first. `hear` returns the reporter of a training by its name. `pool` is one of `pool_of`, for
    several calls.

    Raises InputError as train_fold does, for more jobs than GPUs, and for a training whose process dies twice; Stopped when
    `stop` gives a reason.
    """
    settings, left = config.model_dump_json(by_alias=True), []
    with nullcontext(pool) if pool else pool_of(config.runtime, prepared) as pool:
        for fold, seed in product(config.split.folds, config.train.seeds):
            name, target = config.train.name_of(fold, seed), folder / str(fold) / str(seed)
            with use_threads(pool.threads):
                key = training_key(prepared, fold, seed, config, pool.machine())
                result = None
                if (scratch / STATES / key / RESULT).is_dir() and pool.machine() == machine():
                    result = train_fold(prepared, fold, seed, config, target, hear(name), scratch, stop)
            if result:
                yield result
            else:
                left.append(Job(name, fold, seed, prepared.folder, settings, target, scratch, key))
        at_once = min(len(left), pool.at_once)

        def share(waiting: int) -> float | None:
            return share_of_hours(config.train.max_hours, waiting, at_once)

        with closing(pool.run(left, lambda job: hear(job.name), share, stop)) as done:
            for job in done:
                yield FoldResult.load(job.folder)


def names_of(config: Config) -> list[str]:
    """Return the names of all trainings: of each fold, with each seed."""
    return [config.train.name_of(fold, seed) for fold, seed in product(config.split.folds, config.train.seeds)]


def pool_of(runtime: RuntimeConfig, prepared: PreparedSet) -> Pool[Any]:
    """Return what trains the folds of a prepared set; raises InputError for more jobs than GPUs here, and without Ray."""
    threads = threads_of(runtime, prepared)
    return Processes(places_of(runtime, threads), threads) if runtime.engine == "here" else Cluster(runtime, threads)


def threads_of(runtime: RuntimeConfig, prepared: PreparedSet) -> int:
    """Return the threads of each training: by default a share of the cores for each GPU, or for each fold that there is.

    It does not depend on which folds are trained, nor on how many at once: other threads give other bits.
    """
    if runtime.threads != "auto":
        return runtime.threads
    folds = len(np.unique(prepared.folds[prepared.folds >= 0]))
    return max(1, cores() // (torch.cuda.device_count() or folds))


def places_of(runtime: RuntimeConfig, threads: int) -> list[int | None]:
    """Return the GPU of each training at once, or None for each on the CPU; raises InputError for more jobs than GPUs."""
    gpus = torch.cuda.device_count()
    if not gpus:
        one = find_device().type != "cpu"
        count = runtime.jobs if runtime.jobs != "auto" else 1 if one else max(1, cores() // threads)
        return [None] * count
    count = gpus if runtime.jobs == "auto" else runtime.jobs
    if count > gpus and not runtime.share_gpu:
        raise InputError(
            f"params.yaml, runtime.jobs: {count} folds at once would share {gpus} GPU{'s' * (gpus > 1)}, and their memory",
            mend=f"set runtime.jobs: {gpus} or auto; runtime.share_gpu: true allows it",
        )
    return [place % gpus for place in range(count)]
