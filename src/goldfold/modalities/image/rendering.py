"""Pixels that are not plain bytes, as bytes: deeper ones by the range that the set holds, transparent ones over a background."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from goldfold.competition import Decision
from goldfold.metrics import Array

WHITE, BLACK = 255, 0


@dataclass(frozen=True)
class Rendering:
    """How the images of a set become bytes.

    `ranges` has, by the type of deeper pixels (uint16, float32, …), the values that become 0 and 255; `background` is the grey
    that transparent pixels are laid over, None where the set has none.
    """

    ranges: Mapping[str, tuple[float, float]]
    background: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> "Rendering":
        """Return what `to_json` wrote."""
        return cls({name: (low, high) for name, (low, high) in card["ranges"].items()}, card["background"])

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Return the decisions, for people."""
        decisions = [
            Decision(f"{name} pixels", f"{low:g} to {high:g} become 0 to 255", "the range that the images of the set hold")
            for name, (low, high) in self.ranges.items()
        ]
        if self.background is not None:
            seen, colour = ("dark", "white") if self.background == WHITE else ("bright", "black")
            decisions.append(Decision("transparency", f"laid over {colour}", f"the opaque parts are {seen}"))
        return tuple(decisions)


PLAIN = Rendering({})
"""The rendering of a set of 8-bit images without transparency."""


def as_bytes(pixels: Array, rendering: Rendering) -> Array:
    """Return pixels of any type as uint8; raises ValueError for floats whose range was not measured.

    Integers of a type that the set does not have are scaled by the range of their type.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    name = pixels.dtype.name
    if name in rendering.ranges:
        low, high = rendering.ranges[name]
    elif pixels.dtype.kind in "iu":
        low, high = 0, np.iinfo(pixels.dtype).max
    else:
        raise ValueError(f"its pixels are {name}, whose range is unknown: no training image has them")
    values = np.nan_to_num(pixels.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint((np.clip(values, low, high) - low) * (255 / (high - low))).astype(np.uint8)


def over_background(pixels: Array, alpha: Array, background: int | None) -> Array:
    """Return pixels (height, width, 3) uint8 laid over a grey, white by default, where `alpha` (height, width) uint8 is low."""
    opaque = alpha[..., np.newaxis].astype(np.uint16)
    grey = np.uint16(WHITE if background is None else background)
    return ((pixels * opaque + grey * (255 - opaque) + 127) // 255).astype(np.uint8)
