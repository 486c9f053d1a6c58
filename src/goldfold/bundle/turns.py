"""The members of a bundled blend, each predicting in its turn: in this process, or on as many GPUs as there are."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path

import pandas as pd

from goldfold.bundle.blend import BlendBundle
from goldfold.bundle.bundle import Bundle
from goldfold.competition import Competition, Problem, read_competition
from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.schema import Schema

Turns = Iterator[tuple[str, Callable[[], pd.DataFrame]]]


def read_test(name: str, problem: Problem, config: Config, data: Path) -> Competition:
    """Read the competition in `data`, whose columns stay texts: each model reads its own as in training.

    Raises InputError if its problem is not the one that the bundle was made for.
    """
    settings = config.competition.model_copy(update={"path": str(data), "name": problem.name})
    competition = read_competition(settings, config.prepare, Schema())
    if competition.problem != problem:
        here, there = competition.problem.to_json(), problem.to_json()
        raise InputError(
            f"{data} sets another problem than {name} was trained for",
            [f"{key}: {here[key]}, not {there[key]}" for key in here if here[key] != there[key]],
            "name the competition's folder in the notebook, or correct competition in params.yaml, and train again",
        )
    return competition


def gpus() -> int:
    """Return the number of GPUs, at least 1: without one the CPU is the device."""
    import torch

    return max(1, torch.cuda.device_count())


@contextmanager
def in_turn(folder: Path, data: Path, devices: int) -> Iterator[Turns]:
    """Yield the names of a bundle's members, each with the function that gives its predictions.

    With several `devices` members predict at once, each in a process that has one of them; what still runs at the end of the
    block is stopped.
    """
    names = BlendBundle.load(folder).names
    if devices < 2:
        yield ((name, partial(predicted, folder, data, name)) for name in names)
        return
    context, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    free: Queue[int] = context.Queue()
    for device in range(devices):
        free.put(device)
    with ProcessPoolExecutor(devices, context, _take_device, (free,)) as pool:
        running = {name: pool.submit(predicted, folder, data, name) for name in names}
        try:
            yield ((name, future.result) for name, future in running.items())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()


def predicted(folder: Path, data: Path, name: str) -> pd.DataFrame:
    """Predict the test rows by a member, a row per id; one of goldfold's own reads the competition as it did in training."""
    blend = BlendBundle.load(folder)
    part = blend.load_part(folder, name)
    reader = part if isinstance(part, Bundle) else blend
    competition = read_test(reader.name, reader.problem, reader.config, data)
    return part.predict(competition).predictions if isinstance(part, Bundle) else part.predict(competition)


def _take_device(free: "Queue[int]") -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = str(free.get())
