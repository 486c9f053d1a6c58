"""Finding the image of each row."""

import os
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from goldfold.competition.tables import line, require_columns
from goldfold.errors import InputError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jp2", ".pgm", ".ppm", ".npy"}

Side = Literal["train", "test"]
OPPOSITE: dict[Side, str] = {"train": "test", "test": "train"}


def image_files(folder: Path) -> list[Path]:
    """All image files below `folder`, sorted, as paths relative to it; hidden folders are passed over."""
    return [Path(name) for name in _walk(folder)]


def _walk(folder: Path, below: str = "") -> Iterator[str]:
    with os.scandir(folder / below) as entries:
        ordered = sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
    for name, is_folder in ordered:
        if is_folder:
            yield from _walk(folder, f"{below}{name}/")
        elif os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:
            yield below + name


def find_images(table: pd.DataFrame, id_column: str, root: Path, template: str | None, side: Side) -> list[str]:
    """Return the image of each row of `table`, as paths relative to `root`.

    With a template, `images/{id}_frontal.jpg`, its columns are filled in; without one an image is found by the row's
    id, as its name or path, with or without its extension, in any folder below `root` but one that is called after the
    other table (test for training rows). Raises InputError for rows without an
    image, or with more than one.
    """
    where = f"the {side} table"
    if template is None:
        keys = [str(value) for value in table[id_column]]
    else:
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        require_columns(table.columns, fields, where, "competition.images")
        keys = [template.format(**dict(zip(fields, row, strict=True))) for row in zip(*(table[f] for f in fields), strict=True)]

    files = list(_walk(root))
    named = _by_name(files, set(keys))
    found, missing, several = [], [], []
    for position, key in enumerate(keys):
        everywhere = named.get(key, [])
        candidates = [path for path in everywhere if template or not path.lower().startswith(OPPOSITE[side])]
        if len(candidates) == 1:
            found.append(candidates[0])
            continue
        place = f"{line(position)} ({id_column} {table[id_column].iloc[position]})"
        if candidates:
            several.append(f"{place}: {', '.join(candidates[:3])}")
        else:
            others = f", only {everywhere[0]}, which is the {OPPOSITE[side]} table's" if everywhere else ""
            missing.append(f"{place}: no file {key}{others}")
    example = f"such as {files[0]}" if files else "none at all"
    if missing:
        raise InputError(
            f"{len(missing)} of {len(keys)} rows of {where} have no image below {root} (it has {len(files)} images, {example})",
            missing,
            "add the images, remove the rows, or say in competition.images how an image's path is made, images/{id}_x.jpg",
        )
    if several:
        raise InputError(
            f"{len(several)} of {len(keys)} rows of {where} have more than one image below {root}",
            several,
            "say in competition.images which one is meant, such as train/{id}.jpg",
        )
    return found


def _by_name(files: list[str], asked: set[str]) -> dict[str, list[str]]:
    """Each file under those of its path and its name, both with and without the extension, that are asked for."""
    names: dict[str, list[str]] = {}
    for path in files:
        name = path.rpartition("/")[2]
        for key in asked & {path, name, os.path.splitext(path)[0], os.path.splitext(name)[0]}:
            names.setdefault(key, []).append(path)
    return names
