"""Views of sounds: windows of their waves, augmented or plain."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from goldfold.config import Component
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Key
from goldfold.modalities.sound.augmentation import Pipeline, build_augmentation
from goldfold.modalities.sound.cache import SoundCache
from goldfold.modalities.sound.model import build_model, input_spec
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]

RANGE = np.iinfo(np.int16)


class Sounds(Protocol):
    """Sounds by their position, (samples,) int16."""

    def __getitem__(self, position: int) -> Array: ...


class SoundView:
    """Sounds, from position `first` on, as `sound`, windows of (b, windows, samples) int16, and where a spectrogram is hidden, as
    `hidden`, (b, rectangles, 4) float32 (see `augmentation.spec_augment`).

    With `chance` it is one window for each row, at a random place; else all of them, padded with silent ones to the most of the
    batch. The random choices of a sample depend on (seed, epoch, row) alone, so they are the same for any number of loader
    processes and after a resume. `samples` are the lengths of all rows, where they are known.
    """

    def __init__(
        self,
        sounds: Sounds,
        spec: Mapping[str, Any],
        transform: Pipeline | None = None,
        seed: int = 0,
        chance: bool = False,
        first: int = 0,
        samples: Array | None = None,
    ) -> None:
        self.sounds, self.transform, self.seed, self.chance, self.first = sounds, transform, seed, chance, first
        self.length, self.windows = int(spec["samples"]), int(spec["windows"])
        counts = None if samples is None or chance else window_count(samples, self.length, self.windows)
        self.lengths: Array | None = counts if counts is not None and (counts > 1).any() else None

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        rows = [self._row(epoch, row) for epoch, row in keys]
        most = max(len(windows) for windows, _ in rows)
        batch = np.zeros((len(rows), most, self.length), np.int16)
        for place, (windows, _) in enumerate(rows):
            batch[place, : len(windows)] = windows
        inputs = {"sound": torch.from_numpy(batch)}
        if self.transform and self.transform.rectangles:
            inputs["hidden"] = torch.from_numpy(np.stack([hidden for _, hidden in rows]))
        return torch.tensor([row for _, row in keys]), inputs

    def _row(self, epoch: int, row: int) -> tuple[Array, Array]:
        """Return the windows of a row, (windows, samples) int16, and the rectangles to hide."""
        wave = self.sounds[self.first + row]
        draws = np.random.default_rng([self.seed, epoch, row])
        if self.chance:
            windows = _placed(wave, self.length, int(draws.integers(abs(len(wave) - self.length) + 1)))[None]
        else:
            windows = spread_windows(wave, self.length, self.windows)
        if self.transform is None:
            return windows, np.zeros((0, 4), np.float32)
        changed = [self.transform(window.astype(np.float32), draws) for window in windows]
        waves = np.stack([np.clip(np.rint(wave), RANGE.min, RANGE.max).astype(np.int16) for wave, _ in changed])
        return waves, changed[0][1]


def window_count(samples: Array, length: int, most: int) -> Array:
    """Return into how many windows sounds of so many samples are cut: as many as cover them, at most `most`."""
    return np.asarray(np.clip(-(-np.asarray(samples) // length), 1, most))


def spread_windows(wave: Array, length: int, most: int) -> Array:
    """Return windows that are spread evenly over a wave, the first at its start and the last at its end; a single one is in its
    middle, (windows, length) int16."""
    count = int(window_count(np.array(len(wave)), length, most))
    if count == 1:
        return _placed(wave, length, abs(len(wave) - length) // 2)[None]
    starts = np.rint(np.linspace(0, len(wave) - length, count)).astype(int)
    return np.stack([wave[start : start + length] for start in starts])


def _placed(wave: Array, length: int, at: int) -> Array:
    """Return `length` samples of a longer wave from `at` on, or a shorter one with silence around it, from `at` on."""
    if len(wave) >= length:
        return np.asarray(wave[at : at + length])
    window = np.zeros(length, np.int16)
    window[at : at + len(wave)] = wave
    return window


def training_view(
    prepared: PreparedSet, _: Array, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
) -> SoundView:
    """Return a random window of each training sound in each epoch, augmented."""
    transform = build_augmentation(augment) if augment else None
    return SoundView(SoundCache.load(prepared.folder), spec, transform, seed, chance=True)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> SoundView:
    """Return the windows of a table's sounds; with `change` after that transform, which always applies."""
    sounds = SoundCache.load(prepared.folder)
    # The test table's sounds come after the training table's.
    first, count = (0, len(prepared.train)) if part == "train" else (len(prepared.train), len(prepared.test))
    return plain_sounds(sounds, spec, change, first, sounds.lengths[first : first + count])


def plain_sounds(
    sounds: Sounds, spec: Mapping[str, Any], change: Component | None = None, first: int = 0, samples: Array | None = None
) -> SoundView:
    """Return sounds, from position `first` on, as a model is judged on them and predicts them."""
    transform = build_augmentation([change], section="predict.tta", always=True) if change else None
    return SoundView(sounds, spec, transform, first=first, samples=samples)
