"""Train every fold with every seed on the devices that there are."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldfold.config import REFIT, Config, place_of
from goldfold.config.runtime import RuntimeConfig
from goldfold.engines.cluster import Cluster
from goldfold.engines.here import Place, Processes
from goldfold.engines.job import Job
from goldfold.engines.pool import Pool
from goldfold.errors import InputError
from goldfold.identity import training_key
from goldfold.prepare import PreparedSet
from goldfold.process import cores
from goldfold.scratch import is_kept
from goldfold.training.device import find_device, machine, use_threads
from goldfold.training.fitting import is_fitted_once
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

    Raises InputError as train_fold does, for more jobs or devices than GPUs, and for a training whose process dies twice; Stopped
    when `stop` gives a reason.
    """
    with nullcontext(pool) if pool else pool_of(config.runtime, prepared) as pool:
        yield from _trained(prepared, config, _of_folds(config), folder, scratch, hear, stop, pool)


def train_all(
    prepared: PreparedSet,
    config: Config,
    folder: Path,
    scratch: Path,
    hear: Callable[[str], Reporter],
    stop: Stop,
    pool: Pool[Any] | None = None,
) -> Generator[FoldResult]:
    """Train the folds as `train_folds` does, and then, on all rows, the refits that predict.refit asks for."""
    folds, refits = list[FoldResult](), [(REFIT, seed) for seed in config.predict.refits]
    with nullcontext(pool) if pool else pool_of(config.runtime, prepared) as pool:
        for result in _trained(prepared, config, _of_folds(config), folder, scratch, hear, stop, pool, after=len(refits)):
            folds.append(result)
            yield result
        if refits:
            yield from _trained(prepared, config, refits, folder, scratch, hear, stop, pool, length=length_of(folds))


def _of_folds(config: Config) -> list[tuple[int, int]]:
    return [(fold, seed) for fold, seed in config.trainings if fold != REFIT]


def length_of(folds: Sequence[FoldResult]) -> int:
    """Return for how many epochs, or rounds of boosted trees that stop early, the folds' best models were trained on average."""
    lengths = list[int]()
    for result in folds:
        model: Any = result.build_model()
        lengths.append(model.rounds if is_fitted_once(model) and model.early_stopping else result.epoch + 1)
    return max(1, round(float(np.mean(lengths))))


def _trained(
    prepared: PreparedSet,
    config: Config,
    trainings: Sequence[tuple[int, int]],
    folder: Path,
    scratch: Path,
    hear: Callable[[str], Reporter],
    stop: Stop,
    pool: Pool[Any],
    after: int = 0,
    length: int | None = None,
) -> Generator[FoldResult]:
    """Do trainings, each a fold and a seed, and yield their results; so many come `after` these, and share the time with them."""
    settings, left = config.model_dump_json(by_alias=True), []
    for fold, seed in trainings:
        name, target = config.train.name_of(fold, seed), folder / place_of(fold, seed)
        with use_threads(pool.threads):
            devices = config.runtime.devices_per_job
            key = training_key(prepared, fold, seed, config, pool.machine(), length)
            result = None
            if is_kept(scratch / STATES / key / RESULT) and pool.machine() == machine(devices):
                args = (fold, seed, config, target, hear(name), scratch, stop, devices, length)
                result = train_fold(prepared, *args)
        if result:
            yield result
        else:
            left.append(Job(name, fold, seed, prepared.folder, settings, target, scratch, key, length))
    at_once = min(len(left) + after, pool.at_once)

    def share(waiting: int) -> float | None:
        return share_of_hours(config.train.max_hours, waiting + after, at_once)

    with closing(pool.run(left, lambda job: hear(job.name), share, stop)) as done:
        for job in done:
            yield FoldResult.load(job.folder)


def names_of(config: Config) -> list[str]:
    """Return the names of all trainings: of each fold, with each seed, and of the refits."""
    return [config.train.name_of(fold, seed) for fold, seed in config.trainings]


def pool_of(runtime: RuntimeConfig, prepared: PreparedSet, patience: float | None = None) -> Pool[Any]:
    """Return what trains the folds of a prepared set, with the `patience` of a Pool.

    Raises InputError as `places_of` does, and without Ray.
    """
    threads = threads_of(runtime, prepared)
    if runtime.engine == "ray":
        return Cluster(runtime, threads, patience)
    return Processes(places_of(runtime, threads), threads, patience)


def threads_of(runtime: RuntimeConfig, prepared: PreparedSet) -> int:
    """Return the threads of each process: by default a share of the cores for each GPU, or for each fold that there is.

    Processes that train a fold together share its threads. They do not depend on which folds are trained, nor on how many at
    once: other threads give other bits.
    """
    gpus, devices = torch.cuda.device_count(), runtime.devices_per_job
    if runtime.threads != "auto":
        return max(1, runtime.threads // devices)
    folds = len(np.unique(prepared.folds[prepared.folds >= 0]))
    return max(1, cores() // gpus if gpus else cores() // folds // devices)


def places_of(runtime: RuntimeConfig, threads: int) -> list[Place]:
    """Return the place of each training at once; `threads` are those of a process.

    Raises InputError for more jobs or devices than GPUs.
    """
    gpus, devices = torch.cuda.device_count(), runtime.devices_per_job
    if not gpus:
        one = find_device().type != "cpu"
        if one and devices > 1:
            raise _too_many(devices, 1)
        count = runtime.jobs if runtime.jobs != "auto" else 1 if one else max(1, cores() // (threads * devices))
        return [(None,) * devices] * count
    if devices > gpus:
        raise _too_many(devices, gpus)
    most = gpus // devices
    count = most if runtime.jobs == "auto" else runtime.jobs
    if count > most and not runtime.share_gpu:
        each = f" on {devices} each" * (devices > 1)
        raise InputError(
            f"params.yaml, runtime.jobs: {count} folds at once{each} would share {gpus} GPU{'s' * (gpus > 1)}, and their memory",
            mend=f"set runtime.jobs: {most} or auto; runtime.share_gpu: true allows it",
        )
    return [tuple((job % most) * devices + device for device in range(devices)) for job in range(count)]


def _too_many(devices: int, gpus: int) -> InputError:
    return InputError(
        f"params.yaml, runtime.devices_per_job: {devices} devices for each fold, and this machine has {gpus}",
        mend=f"set runtime.devices_per_job: {gpus}",
    )
