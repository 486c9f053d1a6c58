"""The images of a prepared set, and their masks at the size of the cached images."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.tables import line
from goldfold.errors import InputError
from goldfold.masks import Cell, MaskForm, mask_of_code, packed
from goldfold.metrics import Array
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.prepare import gather as gather_images
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import Gathered

MASKS = "masks.parquet"
"""The true masks of the training rows, a column for each class: cells (see goldfold.masks) of 0 to 255, how much of
each pixel they cover, as large as the images in the cache."""


def gather(
    competition: Competition,
    config: ImagePrepareConfig,
    folder: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
    scratch: Path | None,
) -> Gathered:
    """Write the cache of all images, and the masks of the training rows, to `folder`.

    Raises InputError for images that cannot be read, and for codes that leave their image.
    """
    gathered = gather_images(competition, config, folder, progress, scratch)
    problem, index = competition.problem, ImageCache.load(folder).index
    truth, rows = problem.truth(competition.train), index.iloc[: len(competition.train)]
    sizes = np.concatenate([shipped_sizes(rows), rows[["height", "width"]].to_numpy()], axis=1)
    cells, wrong = np.empty(truth.shape, object), []
    for row, (codes, size) in enumerate(zip(truth, sizes.tolist(), strict=True)):
        for number, code in enumerate(codes):
            try:
                cells[row, number] = _cell(code, size, problem.mask_form)
            except ValueError as error:
                wrong.append(f"{line(row)} ({problem.id} {competition.train[problem.id].iloc[row]}): {error}")
    if wrong:
        raise InputError(
            f"{len(wrong)} masks do not fit their images",
            wrong,
            "correct these codes, or competition.images, or competition.mask (order, start)",
        )
    pd.DataFrame(cells, columns=list(problem.targets)).to_parquet(folder / MASKS)
    share = problem.amounts(truth).sum() / max(1, int(sizes[:, :2].prod(axis=1).sum()) * truth.shape[1])
    return replace(gathered, description=f"{gathered.description}, {share:.1%} of the pixels in masks")


def shipped_sizes(index: pd.DataFrame) -> Array:
    """Return the height and width of each image as shipped, (n, 2); of one that was left blank, as it is in the cache."""
    shipped, cached = index[["shipped_height", "shipped_width"]].to_numpy(), index[["height", "width"]].to_numpy()
    return np.where(shipped > 0, shipped, cached)


def _cell(code: str, size: list[int], form: MaskForm) -> bytes:
    """The mask of a code at the cached image's size, of (height, width) as shipped, then as cached."""
    height, width, rows, columns = size
    mask = mask_of_code(code, height, width, form) * np.uint8(255)
    small: Array = mask if (rows, columns) == (height, width) else cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA)
    return packed(Cell(small, height, width))
