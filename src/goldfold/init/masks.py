"""How a competition writes masks: the column of codes, whose rows are what, and which way the codes count pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.masks import PAIR, are_codes
from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.folder import Folder
from goldfold.init.tables import Tables
from goldfold.masks import mask_of_code
from goldfold.masks.codes import Order, Start
from goldfold.metrics import Array

ORDERS: tuple[Order, ...] = ("columns", "rows")
STARTS: tuple[Start, ...] = (1, 0)
MOST_CLASSES = 100
TRIED = 40
"""Images by which the order of pixels is told."""
WRITTEN_EMPTY = ("-1", "-")
"""What stands for a mask without a pixel where all of a sample submission's codes are that."""
FILLER = "1 1"
"""What stands for one where several training rows hold it: a mask of one pixel, in the corner."""
HAS_0 = r"^\s*(?:\d+\s+\d+\s+)*0\s"
"""Codes with a run that starts at pixel 0."""


def find_masks(folder: Folder, tables: Tables, images: Sequence[Path], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of `competition` by which the training table's codes are read; none where it has no codes."""
    if tables.train is None or overrides.get("task", "masks") != "masks":
        return {}
    train = folder.cells(tables.train[0])
    codes = [name for name in train if are_codes(train[name])]
    target = overrides.get("target", codes[0] if len(codes) == 1 else None)
    if target not in codes:
        return {}
    sample = folder.cells(tables.sample[0]) if tables.sample else None
    by = str(overrides.get("id", sample.columns[0] if sample is not None and sample.columns[0] in train else train.columns[0]))
    label, pair = _label(train, sample, by, target)
    if label is None and _names_classes(train[by], images):
        pair = PAIR
    repeated = not label and not pair and train[by].duplicated().any()
    asked = set(sample[target] if target in sample else sample.iloc[:, -1]) if sample is not None else set()
    empty = next((text for text in WRITTEN_EMPTY if asked == {text}), "")
    if (train[target] == FILLER).sum() > 1:
        empty = FILLER
    form: dict[str, Any] = {
        **({"start": 0} if train[target].str.contains(HAS_0).any() else {}),
        **({"empty": empty} if empty else {}),
        **({"per": "instance"} if repeated else {}),
        **({"label": label} if label else {}),
    }
    return {"task": "masks", "id": by, "target": target, **({"pair_id": pair} if pair else {}), "mask": form}


def mask_setting(
    competition: Competition, images: RowFiles, form: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Return the setting `mask`, with how its codes count pixels where that is not given, and why."""
    ways = [(order, start) for order in ORDERS for start in STARTS if form.get("order", order) == order]
    ways = [(order, start) for order, start in ways if form.get("start", start) == start]
    if len(ways) == 1:
        return dict(form), ""
    order, start, why = way_of_counting(competition, images, ways)
    if "mask" not in overrides:
        why += "; per: image where an answer has one row per image" if form.get("per") == "instance" else ""
        why += f"; {FILLER}, in several training rows, is an empty mask" if form.get("empty") == FILLER else ""
    return {"order": order, "start": start, **form}, why


def way_of_counting(competition: Competition, images: RowFiles, ways: Sequence[tuple[Order, Start]]) -> tuple[Order, Start, str]:
    """Return whether codes count pixels down the columns or along the rows, from 1 or 0, and why: by which of the `ways` the
    pixels inside and outside of masks differ more, else by the first.

    Raises InputError where a code does not fit its image.
    """
    told: dict[tuple[Order, Start], list[float]] = {way: [] for way in ways}
    truth, form = competition.problem.truth(competition.train), competition.problem.mask_form
    filled = np.flatnonzero((truth != "").any(axis=1))
    for row in filled[np.linspace(0, len(filled) - 1, min(len(filled), TRIED)).astype(int)]:
        pixels = _grey(images.root / images.paths[row])
        if pixels is None:
            continue
        height, width = pixels.shape
        for way in list(told):
            counted = replace(form, order=way[0], start=way[1])
            try:
                masks = [mask_of_code(code, height, width, counted) for code in truth[row] if code]
            except ValueError as error:
                del told[way]
                if told:
                    continue
                raise InputError(
                    f"a mask of {competition.train[competition.problem.id].iloc[row]} does not fit its image: {error}",
                    mend="correct it, or say how images are found: images=TEMPLATE",
                ) from None
            told[way].append(float(np.mean([_told_apart(pixels, mask > 0) for mask in masks])))
    means = {way: float(np.mean(shares)) for way, shares in told.items() if shares}
    if not any(means.values()):
        return *ways[0], "as Kaggle writes codes; the images do not tell"
    best = max(means, key=lambda way: means[way])
    others = [f"{order} from {start} {mean:.0%}" for (order, start), mean in means.items() if (order, start) != best]
    why = f"{means[best]:.0%} of the pixels' variance then lies between inside and outside"
    return *best, f"{why}; {', '.join(others)}" if others else why


def _told_apart(pixels: Array, inside: Array) -> float:
    """The share of the variance of pixels that lies between those inside and outside of a mask."""
    share = inside.mean()
    if share in (0, 1) or not pixels.var():
        return 0.0
    return float(share * (1 - share) * (pixels[inside].mean() - pixels[~inside].mean()) ** 2 / pixels.var())


def _grey(path: Path) -> Array | None:
    """The image as grey pixels, (height, width) float64; None where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.suffix == ".npy":
            pixels = np.load(path).astype(np.float64)
            return np.asarray(pixels.mean(axis=2)) if pixels.ndim == 3 else pixels
        with Image.open(path) as image:
            return np.asarray(image.convert("F"), np.float64)
    except (OSError, ValueError, UnidentifiedImageError):
        return None


def _label(train: pd.DataFrame, sample: pd.DataFrame | None, by: str, target: str) -> tuple[str | None, str | None]:
    """The column that says which class a code is of, which the sample submission has beside its ids and codes, or in its ids;
    and how these are then made."""
    if sample is None or not train.duplicated([by]).any():
        return None, None
    few = [str(name) for name in train if name not in (by, target) and train[name].nunique() <= MOST_CLASSES]
    if asked := [name for name in few if name in sample.columns[1:]]:
        return (asked[0], None) if len(asked) == 1 else (None, None)
    if by in sample:
        return None, None
    ends = sample.iloc[:, 0].str.rpartition("_")[2]
    named = [name for name in few if ends.isin(train[name]).all() and not train.duplicated([by, name]).any()]
    return (named[0], PAIR) if len(named) == 1 else (None, None)


def _names_classes(ids: pd.Series, images: Sequence[Path]) -> bool:
    """Whether ids join an image's name and a class by _."""
    parts = ids.str.rpartition("_")
    names = {name for path in images for name in (path.name, path.stem)}
    if not parts[2].nunique() <= MOST_CLASSES or not parts[0].duplicated().any():
        return False
    return bool(parts[0].isin(names).mean() > 0.5 and not ids.isin(names).any())
