"""Facts about images that should not tell the target, and what they look like in a few numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.prepare import PATHS
from goldfold.modalities.image.sketches import COLUMNS as SKETCH
from goldfold.modalities.image.sketches import STATISTICS
from goldfold.prepare import RowFacts

UNPACKED_WITHIN = 3600.0
"""Seconds within which all files may have been written when they were unpacked: their dates tell nothing then."""


def row_facts(competition: Competition, folder: Path) -> RowFacts:
    """Return each file's size and date and its dimensions as shipped; the image's colours, contrast, sharpness and light."""
    images = ImageCache.load(folder)
    sketches = pd.DataFrame(images.sketches, columns=list(SKETCH))[[*STATISTICS, "f01", "f10"]].astype("float64")
    content = sketches.rename(columns={"f01": "light from the left", "f10": "light from above"})
    return RowFacts(_source(competition, folder, images.index), content)


def _source(competition: Competition, folder: Path, index: pd.DataFrame) -> pd.DataFrame:
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
