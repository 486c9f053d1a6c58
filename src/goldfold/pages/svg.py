"""Charts as inline SVG, which takes the page's colours in light and in dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from goldfold.metrics import Array
from goldfold.pages.html import Html, element, joined

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 24, 38
COLOURS = 10
DECADES = 3
"""Powers of ten on a logarithmic axis from which on they alone are its ticks."""


@dataclass(frozen=True)
class Scale:
    """An axis: values from `low` to `high`, with a title, on a logarithmic scale if `log`."""

    low: float
    high: float
    title: str = ""
    log: bool = False

    def share(self, values: Array | float) -> Array:
        """How far along the axis values lie, 0 to 1."""
        ends = np.asarray([self.low, self.high, *np.ravel(values)], dtype=float)
        low, high, *rest = np.log10(ends) if self.log else ends
        return np.asarray((np.asarray(rest) - low) / ((high - low) or 1))

    def ticks(self) -> list[float]:
        """Round values on the axis."""
        if self.log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            times = (1,) if len(powers) > DECADES else (1, 2, 5)
            return [tick for power in powers for factor in times if self.low <= (tick := factor * 10.0**power) <= self.high]
        rough = (self.high - self.low) / 5 or 1
        size = 10.0 ** floor(log10(rough))
        step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough * 0.999)
        return [step * number for number in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)]


def scale_of(values: Sequence[Array], title: str, room: float = 0.04, log: bool = False) -> Scale:
    """The axis that holds all finite values, with some room; `log` where they are all positive."""
    every = np.concatenate([np.ravel(array).astype(float) for array in values])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    if log and low > 0:
        factor = (high / low) ** room
        return Scale(low / factor, high * factor, title, log=True)
    wide = (high - low) * room or abs(high) * 0.1 or 1.0
    return Scale(low - wide, high + wide, title)


@dataclass(frozen=True)
class Frame:
    """The plane between two axes, and its size on the page in pixels; a `bare` one shows the axis x alone."""

    x: Scale
    y: Scale
    width: int = 330
    height: int = 240
    bare: bool = False

    @property
    def left(self) -> int:
        """Where the plane begins."""
        return 1 if self.bare else LEFT

    def places(self, x: Array | float, y: Array | float) -> list[tuple[float, float]]:
        """Points of the plane as pixels."""
        across = self.left + self.x.share(x) * (self.width - self.left - RIGHT)
        down = TOP + (1 - self.y.share(y)) * (self.height - TOP - BOTTOM)
        return [(round(float(a), 1), round(float(b), 1)) for a, b in zip(across, down, strict=True)]

    def line(self, x: Array, y: Array, class_: str) -> Html:
        """A line through points, those that are not finite left out."""
        finite = np.isfinite(np.asarray(x, dtype=float)) & np.isfinite(np.asarray(y, dtype=float))
        places = self.places(np.asarray(x)[finite], np.asarray(y)[finite])
        return element("polyline", points=" ".join(f"{a:g},{b:g}" for a, b in places), class_=class_)

    def dots(self, x: Array | float, y: Array | float, class_: str) -> Html:
        """Points as dots."""
        return element("path", d="".join(f"M{a:g} {b:g}h0" for a, b in self.places(x, y)), class_=f"dots {class_}")

    def bars(self, left: Array, right: Array, tops: Array, class_: str) -> Html:
        """Bars that stand on the foot of the plane."""
        foot = np.full(len(tops), self.y.low)
        corners = zip(self.places(left, tops), self.places(right, foot), strict=True)
        return joined(
            element("rect", x=f"{a:g}", y=f"{b:g}", width=f"{max(c - a - 1, 1):g}", height=f"{max(d - b, 0):g}", class_=class_)
            for (a, b), (c, d) in corners
        )

    def drawn(self, *marks: Html, title: str) -> Html:
        """The chart: axes with their ticks, and marks on them."""
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        across = [(self.places(tick, self.y.low)[0][0], tick) for tick in self.x.ticks()]
        down = [(self.places(self.x.low, tick)[0][1], tick) for tick in self.y.ticks() if not self.bare]
        grid = [element("path", d=f"M{self.left} {b:g}H{right}", class_="grid") for b, _ in down]
        labels = [_label(_tick_text(tick), a, bottom + 14, "middle") for a, tick in across]
        labels += [_label(_tick_text(tick), self.left - 6, b + 4, "end") for b, tick in down]
        labels += [
            _label(self.x.title, (self.left + right) / 2, self.height - 6, "middle"),
            _label(title, self.left, 14, "start", "title"),
        ]
        if self.y.title:
            labels.append(_label(self.y.title, 12, (TOP + bottom) / 2, "middle", "turned"))
        start = f"M{self.left} {bottom}" if self.bare else f"M{self.left} {TOP}V{bottom}"
        axis = element("path", d=f"{start}H{right}", class_="axis")
        size = {"viewBox": f"0 0 {self.width} {self.height}", "width": str(self.width), "height": str(self.height)}
        return element("svg", *grid, axis, *marks, *labels, **size, role="img", aria_label=title)


def _tick_text(tick: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(tick) >= 10 * size:
            return f"{tick / size:.6g}{unit}"
    return f"{tick:.6g}"


def _label(text: str, x: float, y: float, anchor: str, class_: str = "") -> Html:
    turned = {"transform": f"rotate(-90 {x:g} {y:g})"} if class_ == "turned" else {}
    return element("text", text, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, class_=class_, **turned)


def legend(names: Sequence[str]) -> Html:
    """What the colours stand for, in their order."""
    keys = [element("span", element("i", class_=colour(number)), name) for number, name in enumerate(names)]
    return element("p", *keys, class_="legend")


def colour(number: int) -> str:
    """The class of the colour of a place in an order."""
    return f"c{number % COLOURS}"
