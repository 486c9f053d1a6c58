"""Batches: which rows, in which order, read by how many processes."""

import os
import random
import signal
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler, SubsetRandomSampler, WeightedRandomSampler

from goldfold.metrics import Array
from goldfold.modalities.protocol import Key, View

WINDOW = 50
"""Batches among whose rows those of similar length are found."""


class EpochSampler(Sampler[Key]):
    """A SubsetRandomSampler that pairs each row with the epoch; the order depends on (seed, epoch) alone.

    With `weights`, one per row, rows are drawn with replacement in proportion to them, as many as there are. With
    `lengths`, (rows of the table,), each `batch_size` rows in turn are of similar length, and come in any order. It starts
    at the row `skip` of the epoch, so that a resumed epoch goes on where it was.
    """

    def __init__(
        self, rows: Array, seed: int, weights: Array | None = None, lengths: Array | None = None, batch_size: int = 1
    ) -> None:
        self.rows, self.seed, self.epoch, self.skip = rows.tolist(), seed, 0, 0
        self.weights = weights.tolist() if weights is not None else None
        self.lengths, self.batch_size = lengths, batch_size

    def __iter__(self) -> Iterator[Key]:
        order = torch.Generator().manual_seed(seed_of(self.seed, self.epoch))
        if self.weights:
            drawn = WeightedRandomSampler(self.weights, len(self.rows), generator=order)
            chosen: Iterable[int] = (self.rows[position] for position in drawn)
        else:
            chosen = SubsetRandomSampler(self.rows, generator=order)
        if self.lengths is not None:
            chosen = _bucketed(np.fromiter(chosen, np.int64), self.lengths, self.batch_size, order).tolist()
        for row in islice(chosen, self.skip, None):
            yield self.epoch, row

    def __len__(self) -> int:
        return len(self.rows) - self.skip


def _bucketed(rows: Array, lengths: Array, batch_size: int, order: torch.Generator) -> Array:
    """Shuffled rows such that those of a batch are of similar length; the last batch, if it is a short one, as it is.

    Only rows of the same WINDOW batches change places, so that a row meets others in each epoch.
    """
    whole = len(rows) // batch_size * batch_size
    windows = np.split(rows[:whole], range(WINDOW * batch_size, whole, WINDOW * batch_size))
    batches = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows]).reshape(-1, batch_size)
    return np.concatenate([batches[torch.randperm(len(batches), generator=order).numpy()].ravel(), rows[whole:]])


def padding(sampler: EpochSampler, lengths: Array, batch_size: int) -> float:
    """The share of an epoch's inputs that is padding, where each batch is padded to its longest row."""
    ordered = lengths[[row for _, row in sampler]]
    starts = np.arange(0, len(ordered), batch_size)
    padded = np.maximum.reduceat(ordered, starts) * np.diff([*starts, len(ordered)])
    return 1 - float(ordered.sum() / padded.sum())


def seed_of(*numbers: int) -> int:
    """One seed from several, such that no two sequences share theirs by accident."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def seed_everything(*numbers: int) -> None:
    """Seed torch, NumPy and Python from (seed, epoch, step), so that dropout and mixing need no state to be resumed."""
    seed = seed_of(*numbers)
    # torch.manual_seed does the same for devices that are not there too, which takes longer than a small step.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    elif torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def training_batches(view: View, sampler: EpochSampler, batch_size: int, workers: int) -> DataLoader[Any]:
    """The loader of the sampler's rows, whose `epoch` and `skip` are to be set before each pass.

    The last batch is as short as it comes, but one of a single row, which batch norm cannot learn from, is left out.
    """
    lone = len(sampler.rows) % batch_size == 1 and len(sampler.rows) > 1
    return _loader(view, sampler, batch_size, workers, drop_last=lone)


def plain_batches(view: View, rows: Array, batch_size: int, workers: int = 0, epoch: int = 0) -> DataLoader[Any]:
    """A loader that passes over `rows`, as they are in `epoch`: in their order, or from the shortest to the longest."""
    if view.lengths is not None:
        rows = rows[np.argsort(view.lengths[rows], kind="stable")]
    return _loader(view, [(epoch, int(row)) for row in rows], batch_size, workers)


def default_workers() -> int:
    """Loader processes that help: one per core beyond the first, at most 8, and none on a machine of two."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if cores <= 2 else min(8, cores - 1)


def _loader(
    view: View, sampler: Sampler[Key] | Sequence[Key], batch_size: int, workers: int, drop_last: bool = False
) -> DataLoader[Any]:
    return DataLoader(
        view,  # type: ignore[arg-type]  # a view gives whole batches, by __getitems__
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        drop_last=drop_last,
        worker_init_fn=_start_worker,
        persistent_workers=workers > 0,
        # Its own generator, so that the loader takes nothing from the one that dropout draws from.
        generator=torch.Generator(),
    )


def _as_it_is(batch: Any) -> Any:
    return batch


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)
    # Ctrl-C is for the process that trains; it ends its loaders.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
