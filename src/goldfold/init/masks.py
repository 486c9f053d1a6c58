"""How a competition writes masks: the column of codes, whose rows are what, and which way the codes count pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.masks import are_codes
from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.folder import Folder
from goldfold.init.tables import Tables
from goldfold.masks import EMPTY, MaskForm, mask_of_code
from goldfold.masks.codes import Order
from goldfold.metrics import Array

MOST_CLASSES = 100
TRIED = 40
"""Images by which the order of pixels is told."""
WRITTEN_EMPTY = ("-1", "-")
"""What stands for a mask without a pixel where all of a sample submission's codes are that."""


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
    label, pair = _label(train, sample, by, target), None
    if label is None and _names_classes(train[by], images):
        pair = "{id}_{label}"
    repeated = not label and not pair and train[by].duplicated().any()
    firsts = train[target][~train[target].isin(EMPTY)].str.partition(" ")[0].astype(int)
    asked = set(sample.iloc[:, -1]) if sample is not None else set()
    empty = next((text for text in WRITTEN_EMPTY if asked == {text}), "")
    form: dict[str, Any] = {
        **({"start": 0} if (firsts == 0).any() else {}),
        **({"empty": empty} if empty else {}),
        **({"per": "instance"} if repeated else {}),
        **({"label": label} if label else {}),
    }
    return {"task": "masks", "id": by, "target": target, **({"pair_id": pair} if pair else {}), "mask": form}


def mask_setting(
    competition: Competition, images: RowFiles, form: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Return the setting `mask`, with the order in which its codes count pixels unless that was given, and why."""
    if "order" in form:
        return dict(form), ""
    order, why = order_of(competition, images, competition.problem.mask_form)
    per = (
        "; per: image where an answer has one row per image" if form.get("per") == "instance" and "mask" not in overrides else ""
    )
    return {"order": order, **form}, why + per


def order_of(competition: Competition, images: RowFiles, form: MaskForm) -> tuple[Order, str]:
    """Return whether codes count pixels down the columns or along the rows, and why: by which of the two the pixels inside and
    outside of masks differ more.

    Raises InputError where a code does not fit its image.
    """
    told: dict[Order, list[float]] = {"columns": [], "rows": []}
    truth = competition.problem.truth(competition.train)
    filled = np.flatnonzero((truth != "").any(axis=1))
    for row in filled[np.linspace(0, len(filled) - 1, min(len(filled), TRIED)).astype(int)]:
        pixels = _grey(images.root / images.paths[row])
        if pixels is None:
            continue
        height, width = pixels.shape
        for order, shares in told.items():
            try:
                masks = [mask_of_code(code, height, width, replace(form, order=order)) for code in truth[row] if code]
            except ValueError as error:
                raise InputError(
                    f"a mask of {competition.train[competition.problem.id].iloc[row]} does not fit its image: {error}",
                    mend="correct it, or say how images are found: images=TEMPLATE",
                ) from None
            shares.append(float(np.mean([_told_apart(pixels, mask > 0) for mask in masks])))
    if not told["columns"]:
        return "columns", "as Kaggle writes codes; no image could be read"
    means = {order: float(np.mean(shares)) for order, shares in told.items()}
    best = max(means, key=lambda order: means[order])
    why = f"{means[best]:.0%} of the pixels' variance then lies between inside and outside, else {min(means.values()):.0%}"
    return best, why


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


def _label(train: pd.DataFrame, sample: pd.DataFrame | None, by: str, target: str) -> str | None:
    """The column that says which class a code is of, which the sample submission has beside its ids and codes."""
    asked = [name for name in (sample.columns[1:-1] if sample is not None else []) if name in train and name != target]
    classes = [name for name in asked if train[name].nunique() <= MOST_CLASSES]
    return str(classes[0]) if len(classes) == 1 and train.duplicated([by]).any() else None


def _names_classes(ids: pd.Series, images: Sequence[Path]) -> bool:
    """Whether ids join an image's name and a class by _."""
    parts = ids.str.rpartition("_")
    names = {name for path in images for name in (path.name, path.stem)}
    if not parts[2].nunique() <= MOST_CLASSES or not parts[0].duplicated().any():
        return False
    return bool(parts[0].isin(names).mean() > 0.5 and not ids.isin(names).any())
