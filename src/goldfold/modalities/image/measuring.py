"""How a set of images is rendered, measured on a sample of its files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from goldfold.metrics import Array
from goldfold.modalities.image.decoding import is_plain, stored
from goldfold.modalities.image.rendering import BLACK, WHITE, Rendering, as_bytes

SAMPLE, HEAD = 200, 4096
BRIGHT = 128
PIXELS_OF_AN_IMAGE = 4096
OUTLIERS = 0.1
"""The percentage of the darkest and of the brightest pixels that the range of a set leaves out."""


def measure(paths: Sequence[Path | str], channels: int) -> Rendering:
    """Return how to render the images of these files, measured on at most SAMPLE of those that may be deep or transparent."""
    special = [path for path in paths if not _is_plain_file(path)]
    chosen = np.unique(np.linspace(0, len(special) - 1, min(len(special), SAMPLE)).round().astype(int))
    return _rendering_of(list(_readable((special[at] for at in chosen.tolist()), channels)))


def _is_plain_file(path: Path | str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return is_plain(file.read(HEAD))
    except OSError:
        return True


def _readable(paths: Iterable[Path | str], channels: int) -> Iterable[tuple[Array, Array | None]]:
    for path in paths:
        try:
            yield stored(Path(path).read_bytes(), channels)
        except (OSError, ValueError):
            continue


def _rendering_of(images: Sequence[tuple[Array, Array | None]]) -> Rendering:
    """Return how to render a set by a sample of its images: pixels of any type, and the alpha if they are transparent."""
    samples: dict[str, list[Array]] = {}
    for pixels, _ in images:
        if pixels.dtype.kind in "iuf" and pixels.dtype != np.uint8:
            samples.setdefault(pixels.dtype.name, []).append(_some(pixels))
    ranges = {name: limits for name, parts in sorted(samples.items()) if (limits := _range(np.concatenate(parts)))}
    plain = Rendering(ranges)
    transparent = [(as_bytes(pixels, plain), alpha) for pixels, alpha in images if alpha is not None and (alpha < 255).any()]
    return Rendering(ranges, _background(transparent) if transparent else None)


def _some(pixels: Array) -> Array:
    """Return a sample of the finite values of an image, the same each time."""
    values = pixels.ravel()
    if len(values) > PIXELS_OF_AN_IMAGE:
        values = values[np.random.default_rng(0).integers(0, len(values), PIXELS_OF_AN_IMAGE)]
    values = values.astype(np.float64)
    return values[np.isfinite(values)]


def _range(values: Array) -> tuple[float, float] | None:
    """Return the range of values without outliers; None where all are equal."""
    if not len(values):
        return None
    low, high = np.percentile(values, [OUTLIERS, 100 - OUTLIERS])
    low, high = (low, high) if low < high else (values.min(), values.max())
    return (float(low), float(high)) if low < high else None


def _background(images: Sequence[tuple[Array, Array]]) -> int:
    """Return white if the opaque parts of transparent images are dark, else black."""
    shown = sum(float((cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) * (alpha / 255)).sum()) for pixels, alpha in images)
    weight = sum(float((alpha / 255).sum()) for _, alpha in images)
    return BLACK if shown > BRIGHT * weight else WHITE
