"""What `goldfold bundle` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.terminal.numbers import clock, number

if TYPE_CHECKING:
    from goldfold.bundle import Bundle
    from goldfold.bundle.pace import Pace
    from goldfold.metrics import Metric
    from goldfold.runs.bundling import Bundled


def show_bundle(bundle: Bundle, pace: Pace, folder: Path, size: int, rows: int, hours: float, megabytes: float) -> None:
    """Print where a run's bundle is, how large, and how long it will take."""
    views, count = 1 + len(bundle.config.predict.tta), bundle.ensemble.checkpoints
    models, seconds = f"{count} models x {views} view{'s' * (views > 1)}", pace.seconds(rows)
    print(f"bundle      {folder}: {size / 1e6:.1f} MB of {megabytes:g}, {count} models; its notebook is predict.ipynb")
    print(f"time        {clock(seconds)} of {hours:g} hours for {rows} test rows x {models}")
    print(f"            at {1 / pace.row:.0f} rows/s, measured here on {pace.rows} rows, from their files to the submission")
    if seconds > hours * 3600:
        print("TOO SLOW    for the competition: fewer folds, seeds or predict.tta, a smaller model, or a faster machine there")


def show_onnx(deviation: float, allowed: float) -> None:
    """Print how near predictions through ONNX Runtime are to the submission's."""
    print(f"onnx        on the test rows at most {deviation:.1e} of their spread from the submission, of {allowed:.0e} allowed")


def show_blend_bundle(made: Bundled, folder: Path, size: int, rows: int, metric: Metric) -> None:
    """Print a blend's bundle: its members in the order in which they predict, what was left out, and what that costs."""
    bundle, past = made.bundle, 0.0
    names = [*bundle.names, *made.left_out]
    width = max(map(len, names))
    for name, weight in zip(bundle.names, bundle.plans[-1].linear.weights, strict=True):
        past += bundle.paces[name].seconds(rows)
        print(f"member      {name:<{width}}  weight {weight:.3f}  done after {clock(past)}, a submission stands")
    for name, why in made.left_out.items():
        print(f"LEFT OUT    {name:<{width}}  {why}")
    if made.left_out:
        change = made.after - made.before
        print(f"costs       {metric.name} {number(made.before)} → {number(made.after)} ({change:+.3g}, nested), fitted again")
    print(f"bundle      {folder}: {size / 1e6:.1f} MB, {len(bundle.names)} members; its notebook is predict.ipynb")
    print(f"time        {clock(past)} of {bundle.hours:g} hours for {rows} test rows, measured here")
