"""Facts about sound files, which should not predict the target, statistics of their waves, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.sound.cache import CHUNK, SoundCache
from goldfold.prepare import RowFacts

SILENT = -60.0
"""Decibels of full scale below which a sound is silent."""
FULL, CLIPPED = 32_700, 1e-3
"""What a clipped sample reaches, and the share of such samples from which on a sound is clipped."""
SHORT = 0.2
"""The share of the median length below which a sound is cut short."""
WHOLE = 0.9
"""The share of the samples which a file's header promises below which its end is lost."""


def row_facts(competition: Competition, folder: Path) -> RowFacts:
    """Return each file's size, rate, channels and length; the wave's loudness and peaks; what is wrong with some sounds."""
    sounds = SoundCache.load(folder)
    index = sounds.index
    source = pd.DataFrame(
        {
            "the file's size": index["bytes"],
            "the sound's rate": index["rate"],
            "the sound's channels": index["channels"],
            "the sound's length": index["samples"] / sounds.rate,
        }
    ).astype("float64")
    content = pd.DataFrame([_levels(sounds[row]) for row in range(len(sounds))], columns=["loudness", "peak", "clipped share"])
    return RowFacts(source, content, wrong=_wrong(sounds, content, len(competition.train)))


def _levels(wave: Array) -> tuple[float, float, float]:
    """Return a wave's loudness and peak in decibels of full scale, and the share of its samples at full scale."""
    squares, peak, full = 0.0, 0, 0
    for start in range(0, len(wave), CHUNK):
        part = np.abs(wave[start : start + CHUNK].astype(np.int32))
        squares += float(np.square(part, dtype=np.float64).sum())
        peak, full = max(peak, int(part.max())), full + int((part >= FULL).sum())
    count = max(len(wave), 1)
    decibels = [20 * np.log10(max(value, 1e-2) / 32768) for value in (np.sqrt(squares / count), peak)]
    return float(decibels[0]), float(decibels[1]), full / count


def _wrong(sounds: SoundCache, levels: pd.DataFrame, train: int) -> tuple[tuple[str, str], ...]:
    """Return what is wrong with which sounds, as a subject and a message."""
    index, heard = sounds.index, (sounds.index["file"] != "").to_numpy()
    length = index["samples"].to_numpy()
    typical = float(np.median(length[heard])) if heard.any() else 0.0
    found = {
        "silent sounds": (heard & (levels["loudness"] < SILENT), f"are quieter than {SILENT:g} dB of full scale"),
        "clipped sounds": (
            heard & (levels["clipped share"] > CLIPPED),
            f"have over {CLIPPED:.1%} of their samples at full scale",
        ),
        "short sounds": (
            heard & (length < SHORT * typical),
            f"are shorter than a fifth of the median, {typical / sounds.rate:.1f} s",
        ),
        "cut sounds": (
            heard & (not sounds.start and not sounds.end) & (length < WHOLE * index["seconds"] * sounds.rate),
            "hold less than their headers promise: their end is lost",
        ),
    }
    lines = [
        (about, f"{int(rows.sum())} of {len(index)} {what}, as {', '.join(index['path'][rows].head(3))}")
        for about, (rows, what) in found.items()
        if rows.any()
    ]
    rates = index.loc[heard, "rate"].value_counts()
    if len(rates) > 1:
        counts = ", ".join(f"{count} of {rate} Hz" for rate, count in rates.items())
        lines.append(("rates", f"the sounds were recorded at different rates ({counts}): the lower ones lack high frequencies"))
    return tuple(lines)
