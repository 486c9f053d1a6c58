"""Facts about image files, which should not predict the target, and statistics of their pixels, for the audit."""

from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.files import read_parquet
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.prepare import PATHS
from goldfold.modalities.image.sketches import COLUMNS as SKETCH
from goldfold.modalities.image.sketches import STATISTICS
from goldfold.prepare import RowFacts

UNPACKED_WITHIN = 3600.0
"""Files written within so many seconds were unpacked together: their dates mean nothing."""


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
    paths = read_parquet(folder / PATHS)["path"]
    files = [competition.root / path for path in paths]
    dates = np.array([file.stat().st_mtime // 1 if file.is_file() else np.nan for file in files])
    if np.nanmax(dates) - np.nanmin(dates) > UNPACKED_WITHIN:
        facts["the file's date"] = dates
    return facts
