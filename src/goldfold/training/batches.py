"""Batches: their rows, their order, and the processes that read them."""

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
from goldfold.training.loaders import handed_over, require_shared_memory

WINDOW = 50
"""The number of batches whose rows are sorted by length together."""


class EpochSampler(Sampler[Key]):
    """A SubsetRandomSampler that pairs each row with the epoch; the order depends on (seed, epoch) alone.

    With `weights`, one per row, as many rows are drawn with replacement in proportion to them. With `lengths`, (rows of the
    table,), rows of similar length share a batch of `batch_size`. A resumed epoch starts at its row `skip`.
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
    """Return shuffled rows such that those of a batch are of similar length; a short last batch stays as it is.

    Only rows of the same WINDOW batches are exchanged, so that a row meets others in each epoch.
    """
    whole = len(rows) // batch_size * batch_size
    windows = np.split(rows[:whole], range(WINDOW * batch_size, whole, WINDOW * batch_size))
    batches = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows]).reshape(-1, batch_size)
    return np.concatenate([batches[torch.randperm(len(batches), generator=order).numpy()].ravel(), rows[whole:]])


def padding(sampler: EpochSampler, lengths: Array, batch_size: int) -> float:
    """Return the share of padding in an epoch's inputs, each batch padded to its longest row."""
    ordered = lengths[[row for _, row in sampler]]
    starts = np.arange(0, len(ordered), batch_size)
    padded = np.maximum.reduceat(ordered, starts) * np.diff([*starts, len(ordered)])
    return 1 - float(ordered.sum() / padded.sum())


def seed_of(*numbers: int) -> int:
    """Return one seed from several numbers, different for different sequences of them."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def seed_everything(*numbers: int) -> None:
    """Seed torch, NumPy and Python from (seed, epoch, step), so that dropout and mixing resume without a saved state."""
    seed = seed_of(*numbers)
    # torch.manual_seed seeds missing devices too, which takes longer than a small step.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    elif torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def training_batches(view: View, sampler: EpochSampler, batch_size: int, workers: int) -> DataLoader[Any]:
    """Return the loader of the sampler's rows; set the sampler's `epoch` and `skip` before each pass.

    The last batch may be short, but one of a single row, which batch norm cannot learn from, is left out.
    """
    lone = len(sampler.rows) % batch_size == 1 and len(sampler.rows) > 1
    return _loader(view, sampler, batch_size, workers, drop_last=lone)


def plain_batches(
    view: View, rows: Array, batch_size: int, workers: int = 0, epoch: int = 0, rank: int = 0, world: int = 1
) -> DataLoader[Any]:
    """Return a loader of `rows` as they are in `epoch`, in their order, or from the shortest to the longest.

    Of several ranks each reads one batch in `world`, and they together the batches of a single one.
    """
    if view.lengths is not None:
        rows = rows[np.argsort(view.lengths[rows], kind="stable")]
    rows = rows[np.arange(len(rows)) // batch_size % world == rank]
    return _loader(view, [(epoch, int(row)) for row in rows], batch_size, workers)


def default_workers() -> int:
    """Return how many loader processes help: one per core beyond the first, at most 8; where a CPU trains on two cores, none.

    A training's threads are its share of the cores.
    """
    cores = torch.get_num_threads()
    return min(8, cores - 1) if cores > 2 or torch.cuda.is_available() else 0


def _loader(
    view: View, sampler: Sampler[Key] | Sequence[Key], batch_size: int, workers: int, drop_last: bool = False
) -> DataLoader[Any]:
    require_shared_memory(workers)
    return DataLoader(
        view,  # type: ignore[arg-type]  # a view gives whole batches, by __getitems__
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=handed_over,
        pin_memory=torch.cuda.is_available(),
        drop_last=drop_last,
        worker_init_fn=_start_worker,
        persistent_workers=workers > 0,
        # Its own generator, so that the loader does not advance the one that dropout draws from.
        generator=torch.Generator(),
    )


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)
    # Ctrl-C, and SIGTERM to all processes, are for the one that trains: it saves its state, and ends its loaders.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
