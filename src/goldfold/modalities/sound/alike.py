"""Duplicate recordings: the same samples, or the same sound at another loudness, of another encoding or a little shifted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.candidate_pairs import candidates
from goldfold.modalities.sound.cache import SoundCache
from goldfold.modalities.sound.settings import SoundPrepareConfig
from goldfold.modalities.sound.spectrogram import LogMel
from goldfold.prepare.duplicates import equal_rows, pairs_table

SECONDS = 10.0
"""How much of each sound is compared, from its start."""
BANDS, SLICES = 12, 6
TABLES, BITS = 8, 12
LIKE, SAME = 0.9, 0.95
"""The least correlation of two sketches for their waves to be compared, and that of the waves of copies."""
MOST = 20_000
"""Pairs whose waves are compared, at most."""


def find_alike(competition: Competition, config: SoundPrepareConfig, folder: Path) -> pd.DataFrame:
    """Find the pairs of equal sounds, and of nearly equal ones, confirmed by the correlation of their waves."""
    sounds = SoundCache.load(folder)
    read = np.flatnonzero(sounds.lengths > 0)
    contents = sounds.index["content"].to_numpy()
    first, second = equal_rows(contents[read])
    same = pairs_table(read[first], read[second])
    distinct = np.setdiff1d(read, read[second])
    near = _near(sounds, distinct)
    likeness = np.array([_likeness(sounds, one, other) for one, other in near])
    confirmed = near[likeness >= SAME] if len(near) else near
    pairs = pairs_table(confirmed[:, 0], confirmed[:, 1], ["near"] * len(confirmed), likeness[likeness >= SAME])
    return pd.concat([same, pairs]).sort_values(["first", "second"], ignore_index=True)


def _near(sounds: SoundCache, rows: Array) -> Array:
    """Return the pairs of rows whose sketches are alike, the most alike first, (n, 2)."""
    sketches = np.stack([_sketch(sounds[row], sounds.rate) for row in rows]) if len(rows) else np.zeros((0, BANDS * SLICES))
    found = list(candidates(_keys(sketches), sketches @ _planes(1)[:, 0]))
    pairs = np.unique(np.sort(np.concatenate([np.zeros((0, 2), int), *found]), axis=1), axis=0)
    alike = np.einsum("ij,ij->i", sketches[pairs[:, 0]], sketches[pairs[:, 1]])
    kept = np.argsort(-alike, kind="stable")[: min(MOST, int((alike >= LIKE).sum()))]
    return np.asarray(rows[pairs[kept]])


def _sketch(wave: Array, rate: int) -> Array:
    """Return the loudness of BANDS in SLICES of the time that is heard, as a unit vector."""
    part = wave[: int(SECONDS * rate)]
    loud = np.flatnonzero(np.abs(part.astype(np.int32)) > np.abs(part.astype(np.int32)).max() / 20)
    part = part[loud[0] : loud[-1] + 1] if len(loud) else part
    levels = LogMel(rate, BANDS, 0.064, 0.016, 20.0, rate / 2)(torch.from_numpy(part.copy())[None])[0].numpy()
    slices = np.stack([piece.mean(axis=1) for piece in np.array_split(levels, SLICES, axis=1) if piece.shape[1]], axis=1)
    padded = np.zeros((BANDS, SLICES), np.float32)
    padded[:, : slices.shape[1]] = slices - slices.mean()
    return np.asarray(padded.ravel() / max(float(np.linalg.norm(padded)), 1e-6))


def _planes(count: int) -> Array:
    """Return random directions, (BANDS * SLICES, count), the same each time."""
    return np.random.default_rng(0).normal(size=(BANDS * SLICES, count)).astype(np.float32)


def _keys(sketches: Array) -> Iterator[Array]:
    """Yield TABLES hashes, (n,), which near sketches are likely to share: the sides of random planes on which they lie."""
    planes = _planes(1 + TABLES * BITS)[:, 1:].reshape(-1, TABLES, BITS)
    for table in range(TABLES):
        yield (sketches @ planes[:, table] > 0) @ (1 << np.arange(BITS, dtype=np.int64))


def _likeness(sounds: SoundCache, one: int, other: int) -> float:
    """Return the highest correlation of two sounds' waves at any shift."""
    from scipy.signal import correlate

    waves = [sounds[row][: int(SECONDS * sounds.rate)].astype(np.float32) for row in (one, other)]
    norms = [float(np.linalg.norm(wave)) for wave in waves]
    return float(np.abs(correlate(*waves, method="fft")).max() / max(norms[0] * norms[1], 1e-6))
