"""The names of a table's columns, and which columns are only pandas' index."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from goldfold.tables.text import unique_names

UNNAMED = re.compile(r"Unnamed: \d+(\.\d+)?(_level_\d+)?|__index_level_\d+__|")


def named(
    names: list[str], columns: list[pa.ChunkedArray], remarks: list[str]
) -> tuple[dict[str, pa.ChunkedArray], dict[str, str]]:
    """Return columns of texts by clean names, and the reasons for those left out: an index that pandas wrote, or nothing."""
    clean = [name.strip().removeprefix("\ufeff") for name in names]
    if spaced := [name for before, name in zip(names, clean, strict=True) if before != name]:
        remarks.append(f"spaces around names of columns were left out: {', '.join(spaced)}")
    left_out: dict[str, str] = {}
    number = 0
    kept: list[str] = []
    kept_columns = []
    for at, (name, column) in enumerate(zip(clean, columns, strict=True)):
        if UNNAMED.fullmatch(name):
            reason = _empty(column) if name == "" or at else None
            reason = reason or (_index(column) if at == 0 or name else None)
            if reason:
                label = name or f"unnamed column {at + 1}"
                left_out[label] = reason
                remarks.append(f"the column {label} was left out: {reason}")
                continue
            number += 1
            while f"unnamed{number}" in clean:
                number += 1
            remarks.append(f"column {at + 1} has no name, and is called unnamed{number}")
            name = f"unnamed{number}"
        kept.append(name)
        kept_columns.append(column)
    unique = unique_names(kept)
    if twice := [f"{name} (now {new})" for name, new in zip(kept, unique, strict=True) if name != new]:
        remarks.append(f"names of columns stand twice: {', '.join(twice)}")
    return dict(zip(unique, kept_columns, strict=True)), left_out


def _empty(column: pa.ChunkedArray) -> str | None:
    return "it has no name and no values" if pc.all(pc.equal(column, ""), min_count=0).as_py() else None


def _index(column: pa.ChunkedArray) -> str | None:
    """The reason why a column without a name is an index: whole numbers, all different."""
    whole = pc.all(pc.match_substring_regex(column, r"^\d+(\.0)?$"), min_count=0).as_py()
    return "an index that pandas wrote, whole numbers that only count" if whole and _all_different(column) else None


def _all_different(column: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(column).as_py() == len(column))
