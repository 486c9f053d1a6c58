"""What a trial on a few rows says of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldfold.terminal.numbers import clock

if TYPE_CHECKING:
    from goldfold.race.scaling import Estimate


def show_estimate(name: str, found: Estimate, took: float) -> None:
    """Print what all of a configuration takes, as it was worked out within `took` seconds."""
    at_once = f", {found.at_once} at once" if found.at_once > 1 else ""
    gpu = f", {_size(found.gpu_memory)} of a GPU's" if found.gpu_memory else ""
    print(f"tried       {name} on {found.tried_rows} of {found.rows} rows, in {clock(took)}; no run is tracked")
    print(f"prepare     {clock(found.prepare_seconds)} at most; less where its cache is kept")
    print(f"train       {clock(found.seconds)} for {found.trainings} trainings{at_once}, with their predictions")
    print(f"memory      {_size(found.memory)} for a training on these rows{gpu}")
    print(f"disk        {_size(found.disk)}; {_size(found.disk_free)} are free", flush=True)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
