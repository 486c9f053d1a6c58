"""The images of a prepared set."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.image.cache import ImageCache, write_image_cache
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
    """Find the image of each row and write the cache of all images, training rows first, to `folder`."""
    rows = competition.row_files()
    if config.bad_images == "error":
        rows.require_all()
    names = rows.paths
    paths = [f"{competition.root}/{name}" for name in names]
    images, digest, bad = write_image_cache(folder, paths, config, progress, scratch)
    pd.DataFrame({"path": names}).to_parquet(folder / PATHS)
    shapes = images.index.loc[images.index["file"] != "", ["shipped_height", "shipped_width"]]
    least, most = shapes.min(), shapes.max()
    megabytes = int((images.index["height"] * images.index["width"]).sum()) * images.channels / 1e6
    description = f"images of {least.iloc[0]}x{least.iloc[1]} to {most.iloc[0]}x{most.iloc[1]} ({megabytes:.1f} MB cached)"
    dropped = _dropped(competition, images) if config.bad_images == "drop" else ()
    return Gathered(digest, description, (*rows.decisions, *images.rendering.decisions), tuple(bad), dropped)


def _dropped(competition: Competition, images: ImageCache) -> tuple[int, ...]:
    """Return the training rows whose image was left blank."""
    blank = images.index["file"][: len(competition.train)] == ""
    return tuple(blank.to_numpy().nonzero()[0].tolist())
