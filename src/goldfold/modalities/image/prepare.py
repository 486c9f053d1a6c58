"""The images of a competition as its prepared set keeps them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.image.cache import write_image_cache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import Gathered

PATHS = "image_paths.parquet"
"""Each row's file, below the competition's folder."""


def gather(
    competition: Competition,
    config: ImagePrepareConfig,
    folder: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
    scratch: Path | None,
) -> Gathered:
    """Find the image of each row and write the cache of them all, training rows first, to `folder`."""
    names = competition.image_paths()
    paths = [f"{competition.root}/{name}" for name in names]
    images, digest, bad = write_image_cache(folder, paths, config, progress, scratch)
    pd.DataFrame({"path": names}).to_parquet(folder / PATHS)
    shapes = images.index[["shipped_height", "shipped_width"]]
    least, most = shapes.min(), shapes.max()
    megabytes = int((images.index["height"] * images.index["width"]).sum()) * images.channels / 1e6
    told = f"images of {least.iloc[0]}x{least.iloc[1]} to {most.iloc[0]}x{most.iloc[1]} ({megabytes:.1f} MB cached)"
    return Gathered(digest, told, blank=tuple(bad))
