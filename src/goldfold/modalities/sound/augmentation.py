"""Transforms of waves, and the rectangles of a spectrogram that SpecAugment hides."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.imports import called, nearest
from goldfold.metrics import Array

Wave = Array
"""A wave, (samples,) float32, of the size of int16."""
QUIETEST = 1e-3


def gain(wave: Wave, draws: Generator, low: float = -6.0, high: float = 6.0) -> Wave:
    """Make it louder by `low` to `high` decibels."""
    return np.asarray(wave * np.float32(10 ** (draws.uniform(low, high) / 20)))


def noise(wave: Wave, draws: Generator, low: float = 10.0, high: float = 40.0) -> Wave:
    """Add white noise that is `low` to `high` decibels quieter than the sound."""
    loudness = np.sqrt(np.mean(np.square(wave), dtype=np.float64)) + QUIETEST
    deviation = np.float32(loudness * 10 ** (-draws.uniform(low, high) / 20))
    return np.asarray(wave + deviation * draws.standard_normal(len(wave), np.float32))


def shift(wave: Wave, draws: Generator, most: float = 0.1) -> Wave:
    """Move it in time by at most this share of the window; what comes in is silence."""
    by = int(draws.integers(-int(most * len(wave)), int(most * len(wave)) + 1))
    moved = np.zeros_like(wave)
    moved[max(by, 0) : len(wave) + min(by, 0)] = wave[max(-by, 0) : len(wave) - max(by, 0)]
    return moved


def polarity(wave: Wave, _: Generator) -> Wave:
    """Turn it upside down, which nobody hears."""
    return np.asarray(np.negative(wave))


def speed(wave: Wave, draws: Generator, low: float = 0.9, high: float = 1.1) -> Wave:
    """Play it `low` to `high` times as fast, about its middle; its pitch changes with it."""
    middle = (len(wave) - 1) / 2
    positions = (np.arange(len(wave)) - middle) * draws.uniform(low, high) + middle
    return np.asarray(np.interp(positions, np.arange(len(wave)), wave, left=0, right=0), np.float32)


def equalize(wave: Wave, draws: Generator, most: float = 6.0, bands: int = 6) -> Wave:
    """Make each of `bands` octaves below the highest frequency up to `most` decibels louder or quieter, as another microphone."""
    spectrum = np.fft.rfft(wave)
    octaves = np.log2(np.maximum(np.arange(len(spectrum)), 1) / max(len(spectrum) - 1, 1))
    decibels = np.interp(octaves, np.arange(-bands + 1, 1), draws.uniform(-most, most, bands))
    return np.fft.irfft(spectrum * 10 ** (decibels / 20), len(wave)).astype(np.float32)


def spec_augment(draws: Generator, bands: int = 1, times: int = 1, highest: float = 0.2, longest: float = 0.2) -> Array:
    """Return rectangles to hide: `bands` of frequencies and `times`, each at most this share of all (Park et al. 2019).

    They are (bands + times, 4) float32, from and to of the bands and of the frames, as shares of all.
    """
    rectangles = np.tile(np.array([0, 1, 0, 1], np.float32), (bands + times, 1))
    for row, first, most in [*((row, 0, highest) for row in range(bands)), *((bands + row, 2, longest) for row in range(times))]:
        width = draws.uniform(0, most)
        start = draws.uniform(0, 1 - width)
        rectangles[row, first : first + 2] = start, start + width
    return rectangles


WAVES: dict[str, Callable[..., Wave]] = {
    "Gain": gain,
    "Noise": noise,
    "Shift": shift,
    "Polarity": polarity,
    "Speed": speed,
    "Equalize": equalize,
}
SPEC_AUGMENT = "SpecAugment"
NAMES = (*WAVES, SPEC_AUGMENT)
HALF = 0.5
"""The share of the rows that a transform applies to, where `p` is left out."""


@dataclass(frozen=True)
class Step:
    """A transform with its arguments, and how often it applies."""

    name: str
    args: dict[str, float]
    p: float


@dataclass(frozen=True)
class Pipeline:
    """Transforms in their order; `always`, each applies to every row."""

    steps: Sequence[Step]
    always: bool = False

    @property
    def rectangles(self) -> int:
        """How many rectangles of each spectrogram are hidden, at most."""
        return sum(int(step.args.get("bands", 1) + step.args.get("times", 1)) for step in self.steps if step.name == SPEC_AUGMENT)

    def __call__(self, wave: Wave, draws: Generator) -> tuple[Wave, Array]:
        """Return a wave transformed, and the rectangles of its spectrogram to hide, (rectangles, 4); unused ones are empty."""
        hidden = np.zeros((self.rectangles, 4), np.float32)
        used = 0
        for step in self.steps:
            if not self.always and draws.random() >= step.p:
                continue
            if step.name == SPEC_AUGMENT:
                some = spec_augment(draws, **step.args)  # type: ignore[arg-type]  # whole numbers, as they were tried
                hidden[used : used + len(some)] = some
                used += len(some)
            else:
                wave = WAVES[step.name](wave, draws, **step.args)
        return wave, hidden


def build_augmentation(
    components: Sequence[Component], channels: int = 1, section: str = "augment", always: bool = False
) -> Pipeline:
    """Build the transforms of a section of params.yaml; with `always`, each of them applies to every row.

    Raises InputError for an unknown transform and refused arguments.
    """
    steps = []
    for position, component in enumerate(components):
        key = f"{section}.{position}"
        if component.name not in NAMES:
            raise InputError(
                f"params.yaml, {key}: sounds have no transform {component.name}{nearest(component.name, NAMES)}",
                mend=f"give one of {', '.join(NAMES)}",
            )
        args = dict(component.args)
        p = args.pop("p", HALF)
        if not isinstance(p, int | float) or not 0 <= p <= 1:
            raise InputError(f"params.yaml, {key}: p is the share of the rows, 0 to 1, not {p}", mend=f"correct {key}.p")
        _require_arguments(component.name, args, key)
        steps.append(Step(component.name, args, float(p)))
    return Pipeline(tuple(steps), always)


def _require_arguments(name: str, args: dict[str, float], key: str) -> None:
    """Raise InputError for arguments that a transform does not have, or refuses when it is tried."""
    draws = np.random.default_rng(0)
    transform = spec_augment if name == SPEC_AUGMENT else WAVES[name]
    known = [parameter for parameter in inspect.signature(transform).parameters if parameter not in ("wave", "draws", "_")]
    unknown = [argument for argument in args if argument not in known]
    if unknown:
        raise InputError(
            f"params.yaml, {key}: {name} has no {unknown[0]}{nearest(unknown[0], known)}",
            mend=f"it has {', '.join([*known, 'p'])}",
        )
    inputs = (draws,) if name == SPEC_AUGMENT else (np.zeros(64, np.float32), draws)
    called(transform, key, *inputs, **args)
