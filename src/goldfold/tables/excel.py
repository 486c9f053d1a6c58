"""Reading Excel's workbooks."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.metrics import Array

ROLES = ("train", "test", "submission")
"""Words in the name of a sheet that is no remark beside a table, but another table."""


def read_excel(path: Path, data: bytes, remarks: list[str]) -> tuple[pd.DataFrame, Array]:
    """Return the rows that are not blank of the first sheet that has any, as values, and their numbers.

    Raises InputError for a damaged workbook, for one of several tables, and where openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{path} is an Excel workbook, which openpyxl reads",
            mend="pip install -r requirements-excel.txt, or save it as CSV",
        ) from None
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {sheet.title: _rows(sheet) for sheet in workbook.worksheets}
    except Exception as error:
        raise InputError(f"{path} is a damaged workbook: {error}", mend="open and save it again, or save it as CSV") from None
    filled = {title: rows for title, rows in sheets.items() if rows}
    if not filled:
        raise InputError(f"{path} is empty: none of its sheets has a row", list(sheets))
    title, *others = filled
    if roles := [name for name in others if any(role in name.casefold() for role in ROLES)]:
        raise InputError(
            f"{path} has sheets that are tables of their own: {', '.join(filled)}",
            mend=f"save each as a file, {title}.csv and {', '.join(f'{name}.csv' for name in roles)}",
        )
    if others:
        remarks.append(f"its table is the sheet {title}; it also has {', '.join(others)}, which were left out")
    rows = filled[title]
    width = max(len(cells) for cells in rows.values())
    return pd.DataFrame([[*cells, *[None] * (width - len(cells))] for cells in rows.values()], dtype=object), np.array(list(rows))


def _rows(sheet: Any) -> dict[int, list[Any]]:
    """The cells of each row that is not blank up to its last value, by its number."""
    rows = {}
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        values = list(cells)
        while values and values[-1] in (None, ""):
            values.pop()
        if values:
            rows[number] = values
    return rows
