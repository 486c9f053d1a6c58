"""Sound files as one channel of samples at one rate, block by block, so that hours of sound need little memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from goldfold.metrics import Array

BLOCK_SECONDS = 20.0
FILTER = 10
"""What scipy.signal.resample_poly's filter reaches to each side, in samples of the lower of both rates."""
LOUDEST = 32767
MOST = 2**22
"""Samples of a file that are read whole, at most."""


@dataclass(frozen=True)
class Shipped:
    """A file's rate, channels and samples per channel, as it was shipped."""

    rate: int
    channels: int
    samples: int


def part_of(samples: int, start: float, end: float, rate: int) -> tuple[int, int]:
    """Return from which to which of so many samples a part reaches that begins and ends at these seconds; the end is NaN where it
    is the sound's."""
    return max(0, round(start * rate)), samples if math.isnan(end) else min(samples, round(end * rate))


def samples_of(source: Path | Any, rate: int) -> int:
    """Return how many samples at `rate` a file, or a binary stream, has by its header; raises ValueError where it has none."""
    try:
        info = soundfile.info(source)
    except (soundfile.SoundFileError, TypeError) as error:
        raise ValueError(str(error)) from error
    return int(-(-info.frames * rate // info.samplerate))


def is_short(source: Path | Any) -> bool:
    """Whether a file is read whole, rather than block by block; one that cannot be opened is."""
    try:
        info = soundfile.info(source)
        return bool(info.frames * info.channels <= MOST)
    except (soundfile.SoundFileError, OSError):
        return True


def read_sound(source: Path | Any, rate: int) -> tuple[Iterator[Array], Shipped]:
    """Open a file, or a binary stream; return its samples at `rate`, mixed to one channel, as blocks of int16, and its facts.

    Raises ValueError for what libsndfile cannot read, there or while blocks are taken.
    """
    try:
        opened = soundfile.SoundFile(source)
    except (soundfile.SoundFileError, TypeError) as error:
        raise ValueError(f"{getattr(error, 'error_string', error)}".rstrip(".")) from error
    shipped = Shipped(opened.samplerate, opened.channels, opened.frames)
    if not shipped.samples:
        opened.close()
        raise ValueError("it holds no samples")
    return _as_int16(resampled(_mono(opened), shipped.rate, rate)), shipped


def _mono(opened: Any) -> Iterator[Array]:
    """Yield a file's channels averaged, (samples,) float32 between -1 and 1, in blocks."""
    with opened:
        while True:
            try:
                block = opened.read(int(BLOCK_SECONDS * opened.samplerate), dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise ValueError(str(error)) from error
            if not len(block):
                return
            if not np.isfinite(block).all():
                raise ValueError("it holds samples that are no numbers")
            yield block.mean(axis=1)


def resampled(blocks: Iterator[Array], shipped: int, rate: int) -> Iterator[Array]:
    """Yield what scipy.signal.resample_poly makes of the joined blocks, block by block.

    Each part is filtered with as much of its neighbours as the filter reaches.
    """
    from scipy.signal import resample_poly

    up, down = rate // math.gcd(rate, shipped), shipped // math.gcd(rate, shipped)
    if up == down:
        yield from blocks
        return
    # In multiples of `down` input samples, which are whole numbers of output samples.
    reach = math.ceil(FILTER * max(up, down) / (up * down)) * down
    step = math.ceil(BLOCK_SECONDS * shipped / down) * down
    held, before = np.zeros(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= before + step + reach:
            part = resample_poly(held[: before + step + reach], up, down)
            yield part[before * up // down : (before + step) * up // down]
            held = held[before + step - reach :] if before + step >= reach else held
            before = reach
    last = resample_poly(held, up, down) if len(held) else held
    yield last[before * up // down :]


def _as_int16(blocks: Iterator[Array]) -> Iterator[Array]:
    for block in blocks:
        yield np.clip(np.rint(block * LOUDEST), -LOUDEST - 1, LOUDEST).astype(np.int16)
