"""Finding the image of each row."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from goldfold.competition.tables import fields_of, filled, line, require_columns
from goldfold.errors import InputError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jp2", ".pgm", ".ppm", ".npy"}

Side = Literal["train", "test"]
OPPOSITE: dict[Side, str] = {"train": "test", "test": "train"}


def image_files(folder: Path) -> list[Path]:
    """List the image files below `folder`, sorted, as paths relative to it; hidden folders are skipped."""
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

    A template, `images/{id}_frontal.jpg`, is filled in by each row. Without one, the image's name or path, with or without
    its extension, is the row's id; folders called after the other table (test for training rows) are left out. Raises
    InputError for rows without an image, or with more than one.
    """
    where = f"the {side} table"
    if template is None:
        keys = [str(value) for value in table[id_column]]
    else:
        require_columns(table.columns, fields_of(template), where, "competition.images")
        keys = filled(table, template)

    files = list(_walk(root))
    named = _by_name(files, set(keys))
    paths, missing, several = [], [], []
    for position, key in enumerate(keys):
        everywhere = named.get(key, [])
        candidates = [path for path in everywhere if template or not path.lower().startswith(OPPOSITE[side])]
        if len(candidates) == 1:
            paths.append(candidates[0])
            continue
        row = f"{line(position)} ({id_column} {table[id_column].iloc[position]})"
        if candidates:
            several.append(f"{row}: {', '.join(candidates[:3])}")
        else:
            others = f", only {everywhere[0]}, which is the {OPPOSITE[side]} table's" if everywhere else ""
            missing.append(f"{row}: no file {key}{others}")
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
    return paths


def _by_name(files: list[str], asked: set[str]) -> dict[str, list[str]]:
    """Files by those of the `asked` keys that are their path or name, with or without the extension."""
    names: dict[str, list[str]] = {}
    for path in files:
        name = path.rpartition("/")[2]
        for key in asked & {path, name, os.path.splitext(path)[0], os.path.splitext(name)[0]}:
            names.setdefault(key, []).append(path)
    return names
