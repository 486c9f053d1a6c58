"""Sounds from outside the competition, and how a program without goldfold turns them into the model's input."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
import soundfile

from goldfold.competition import Competition
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.outside_files import rows_of_files, test_rows_with_files
from goldfold.modalities.sound.files import FILES
from goldfold.modalities.sound.learning import SoundView, plain_sounds
from goldfold.modalities.sound.reading import part_of, read_sound, samples_of

SOUND = "sound"
"""The column with the files."""


def read_files(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """Return files, and the sounds in folders, in the column `sound`; raises InputError where there are none."""
    return rows_of_files(paths, FILES)


def test_rows(competition: Competition) -> pd.DataFrame:
    """Return the test table, with the path of each row's sound in the column `sound`."""
    return test_rows_with_files(competition, FILES)


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> SoundView:
    """Return the sounds of the column `sound`, paths or contents of files (bytes or base64), as the plain view shows them.

    A sound that cannot be decoded is silent, and `unreadable` gets the reason.
    """
    if SOUND not in table:
        raise InputError("there is no column sound, with the path of each row's sound", mend="add it")
    starts, ends = (_times(table, spec[name]) for name in ("start", "end"))
    sounds = OutsideSounds(list(table[SOUND]), spec["rate"], np.nan_to_num(starts), ends, unreadable)
    return plain_sounds(sounds, spec, change, samples=sounds.lengths())


def _times(table: pd.DataFrame, column: str | None) -> Array:
    if column is None or column not in table:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)


class OutsideSounds:
    """Sounds from files or their contents, or parts of them from `starts` to `ends` in seconds, decoded on access as in the
    cache."""

    def __init__(
        self, contents: Sequence[Path | str | bytes], rate: int, starts: Array, ends: Array, unreadable: dict[int, str]
    ) -> None:
        self.contents, self.rate, self.starts, self.ends, self.unreadable = contents, rate, starts, ends, unreadable
        self._last: tuple[Path | None, Array] = (None, np.zeros(0, np.int16))

    def __getitem__(self, position: int) -> Array:
        try:
            wave = self._decoded(position)
        except (OSError, ValueError, TypeError) as error:
            self.unreadable[position] = str(error)
            return np.zeros(0, np.int16)
        start, end = part_of(len(wave), self.starts[position], self.ends[position], self.rate)
        if end <= start:
            self.unreadable[position] = f"it has {len(wave) / self.rate:.2f} s, and ends before the row begins"
        return wave[start:end]

    def _decoded(self, position: int) -> Array:
        """Return a whole file's wave; the parts of one file, which mostly follow each other, are decoded once."""
        content = self.contents[position]
        if not isinstance(content, Path) or content != self._last[0]:
            blocks, _ = read_sound(self._opened(position), self.rate)
            wave = np.concatenate([np.zeros(0, np.int16), *blocks])
            self._last = (content if isinstance(content, Path) else None, wave)
        return self._last[1]

    def lengths(self) -> Array:
        """Return how many samples each sound has, by the headers of the files; 0 for one that cannot be read."""
        return np.array([self._length(position) for position in range(len(self.contents))])

    def _length(self, position: int) -> int:
        try:
            samples = samples_of(self._opened(position), self.rate)
        except (OSError, ValueError, TypeError):
            return 0
        start, end = part_of(samples, self.starts[position], self.ends[position], self.rate)
        return max(0, end - start)

    def _opened(self, position: int) -> Any:
        content = self.contents[position]
        if isinstance(content, Path):
            if not content.is_file():
                raise ValueError("there is no such file")
            return content
        return io.BytesIO(base64.b64decode(content) if isinstance(content, str) else bytes(content))


def outside_columns(_: Mapping[str, Any]) -> dict[str, str]:
    """Return the column of the sounds' bytes."""
    return {SOUND: "binary"}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file becomes the model's input, with this version of SciPy."""
    rate, length, windows = spec["rate"], spec["samples"], spec["windows"]
    start, end = (f"round(rate * {spec[name]})" if spec[name] else None for name in ("start", "end"))
    part = [f"keep the samples from {start or 0} to {end or 'the last'}, rate = {rate}"] if start or end else []
    return {
        "input": {"name": SOUND, "shape": ["batch", "windows", length], "dtype": "int16"},
        "steps": [
            "decode by libsndfile (soundfile.read, float32); the mean of the channels",
            f"resample to {rate} Hz by scipy.signal.resample_poly(wave, up, down), up / down = {rate} / its rate in lowest terms",
            "multiply by 32767, round (halves to even), as int16",
            *part,
            f"cut into min(ceil(samples / {length}), {windows}) windows of {length} samples (1 of an empty one): starts are "
            f"round(linspace(0, samples - {length}, windows)), halves to even; a single one is in the middle, from "
            f"(samples - {length}) // 2 on, or with ({length} - samples) // 2 zeros before a shorter sound, and zeros behind it",
            "windows of zeros up to the most windows of the batch: the model leaves out windows of zeros, but a row's first",
        ],
        "versions": {"scipy": scipy.__version__, "libsndfile": soundfile.__libsndfile_version__},
        "spectrogram": {"inside the model": True, **{name: spec[name] for name in ("mels", "frame", "hop", "lowest", "highest")}},
    }
