"""`make bench`: measures every row, prints the table, and writes benchmarks/results.md."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.cluster import ray_cluster
from benchmarks.folds import fold_by_two, folds_at_once
from benchmarks.growth import growth, growth_of_rows
from benchmarks.heads import head_accuracy, head_speed
from benchmarks.loading import loader
from benchmarks.measure import ROUNDS, Row, table
from benchmarks.predicting import prediction
from benchmarks.stages import image_cache, overhead
from benchmarks.steps import fine_tuning, small_images
from benchmarks.tables import large_table
from benchmarks.texts import text_epochs
from goldfold.files import written_whole

RESULTS = Path(__file__).parent / "results.md"
REASONS = Path(__file__).parent / "reasons.md"
"""Why rows are not met on the machine that results.md was last committed from, and what was tried."""
PARTS: tuple[Callable[[Path], list[Row]], ...] = (
    loader,
    small_images,
    fine_tuning,
    head_speed,
    head_accuracy,
    prediction,
    text_epochs,
    image_cache,
    overhead,
    folds_at_once,
    ray_cluster,
    fold_by_two,
    large_table,
)
HEADER = ["what", "against", "goldfold", "rival", "ratio", "at least", "met", "note"]
LIBRARIES = ("torch", "torchvision", "timm", "albumentations", "opencv-python-headless", "pillow", "numpy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [part.__name__ for part in PARTS]
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(names)}, growth, growth_of_rows; then nothing is written")
    given = parser.parse_args()
    started, rows, grown = time.monotonic(), [], ""
    for part in PARTS:
        if not given.parts or part.__name__ in given.parts:
            with tempfile.TemporaryDirectory() as folder:
                found = part(Path(folder))
            for row in found:
                print("  ".join(filter(None, row.cells())), flush=True)
            rows += found
    if not given.parts or "growth" in given.parts:
        with tempfile.TemporaryDirectory() as folder:
            grown = growth(Path(folder))
        print(grown)
    if "growth_of_rows" in given.parts:
        with tempfile.TemporaryDirectory() as folder:
            print(growth_of_rows(Path(folder)))
    if not given.parts:
        minutes = (time.monotonic() - started) / 60
        with written_whole(RESULTS) as draft:
            draft.write_text(_page(rows, grown, minutes), encoding="utf-8")
        print(f"written to {RESULTS}, {minutes:.0f} min")


def _page(rows: list[Row], grown: str, minutes: float) -> str:
    able = torch.cpu.get_capabilities()
    bf16 = "with" if able.get("avx512_bf16") or able.get("amx_bf16") else "without"
    machine = f"{able.get('cpu_name', 'CPU')}, {os.cpu_count()} cores, {bf16} bf16 instructions, {platform.system()}"
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: nothing here was measured on one"
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return "\n".join(
        [
            "# What `make bench` measured",
            "",
            f"{machine}; {gpu}. Python {platform.python_version()}, {versions}.",
            f"{time.strftime('%Y-%m-%d')}, {minutes:.0f} minutes. Medians of {ROUNDS} rounds, in turns, in one process.",
            "",
            table([HEADER, *(row.cells() for row in rows)]),
            "",
            "## Growth with the number of images",
            "",
            grown,
            "",
            REASONS.read_text(encoding="utf-8"),
        ]
    )


if __name__ == "__main__":
    main()
