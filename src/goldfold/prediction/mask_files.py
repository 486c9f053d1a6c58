"""Predicted masks as PNG files."""

from collections.abc import Sequence
from pathlib import Path

import cv2

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.masks import unpacked
from goldfold.metrics import Array


def write_masks(problem: Problem, names: Sequence[str], prediction: Array, folder: Path) -> list[str]:
    """Write a PNG of 0 and 255 for each row and class, as large as the row's image, to `folder`, and return a line for each.

    `prediction` is (rows, classes) cells, post-processed. Raises InputError where two rows have one name.
    """
    stems = [Path(name).stem for name in names]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise InputError("several images have one name, and so would their masks", twice, "predict them one folder after another")
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, stem, cells in zip(names, stems, prediction, strict=True):
        for output, cell in zip(problem.names, cells, strict=True):
            mask = unpacked(cell).mask()
            path = folder / (f"{stem}_mask.png" if len(problem.names) == 1 else f"{stem}_mask_{output}.png")
            with written_whole(path) as draft:
                draft.write_bytes(cv2.imencode(".png", mask * 255)[1].tobytes())
            height, width = mask.shape
            lines.append(f"{name}  {path}: {mask.mean():.1%} of {width} x {height} pixels")
    return lines
