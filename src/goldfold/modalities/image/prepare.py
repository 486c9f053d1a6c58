"""The images of a competition as its prepared set keeps them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.image.alike import alike_images
from goldfold.modalities.image.cache import ImageCache, write_image_cache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.modalities.image.sketch import COLUMNS as SKETCH
from goldfold.modalities.image.sketch import STATISTICS
from goldfold.prepare import Gathered, PreparedSet, Shown
from goldfold.prepare.prepared_set import Part

PATHS = "image_paths.parquet"
"""Each row's file, below the competition's folder."""
UNPACKED_WITHIN = 3600.0
"""Seconds within which all files may have been written when they were unpacked: their dates tell nothing then."""


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


def gather_test(competition: Competition, config: ImagePrepareConfig, folder: Path) -> None:
    """Write the cache of the test table's images alone, black ones in the place of those that cannot be decoded."""
    alone = replace(competition, train=competition.train.iloc[:0])
    paths = [f"{competition.root}/{name}" for name in alone.image_paths()]
    write_image_cache(folder, paths, config.model_copy(update={"bad_images": "blank"}))


def settle(folder: Path, scratch: Path) -> None:
    """Have what `scratch` keeps of the pixels be a link to those in `folder`, so that the disk holds them once."""
    ImageCache.load(folder).share(scratch)


def find_alike(competition: Competition, config: ImagePrepareConfig, folder: Path) -> pd.DataFrame:
    """The images that are the same or nearly, also turned left to right, confirmed by their pixels."""
    return alike_images(ImageCache.load(folder))


def source_facts(competition: Competition, folder: Path) -> pd.DataFrame:
    """The size and date of each image's file, and its dimensions as shipped."""
    index = ImageCache.load(folder).index
    size = index["bytes"]
    width, height = index["shipped_width"], index["shipped_height"]
    facts = pd.DataFrame({"the file's size": size, "the image's width": width, "the image's height": height}).astype("float64")
    facts["the image's aspect"] = width / height.clip(lower=1)
    facts["the file's bytes per pixel"] = size / (width * height).clip(lower=1)
    paths = pd.read_parquet(folder / PATHS)["path"]
    dates = np.array([(competition.root / path).stat().st_mtime // 1 for path in paths])
    if dates.max() - dates.min() > UNPACKED_WITHIN:
        facts["the file's date"] = dates
    return facts


def content_facts(competition: Competition, folder: Path) -> pd.DataFrame:
    """The colours, contrast and sharpness of each image, and where its light comes from."""
    sketches = pd.DataFrame(ImageCache.load(folder).sketches, columns=list(SKETCH))[[*STATISTICS, "f01", "f10"]]
    return sketches.rename(columns={"f01": "light from the left", "f10": "light from above"}).astype("float64")


def show_rows(prepared: PreparedSet, part: Part, rows: Array) -> list[Shown]:
    """The images as the cache holds them; of channels that are not RGB the first alone."""
    images = ImageCache.load(prepared.folder)
    first = 0 if part == "train" else len(prepared.train)
    shown = [images[first + row] for row in rows]
    return [Shown(image[..., :3] if image.shape[2] in (3, 4) else np.repeat(image[..., :1], 3, axis=2)) for image in shown]
