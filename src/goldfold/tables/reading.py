"""Reading any table file."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.metrics import Array
from goldfold.tables.delimited import beginning_of, first_names, read_delimited
from goldfold.tables.encoding import as_utf8
from goldfold.tables.excel import read_excel
from goldfold.tables.header import HeaderGuess, guess_header
from goldfold.tables.json_tables import read_json
from goldfold.tables.names import UNNAMED, named
from goldfold.tables.parquet import FEATHER, PARQUET, parquet_names, read_parquet
from goldfold.tables.text import TEXT, cells_of, frame_of, text_cells
from goldfold.tables.text_table import TextTable
from goldfold.tables.unpacking import PACKED, unpacked

DELIMITED = (".csv", ".tsv")
JSON = (".json", ".jsonl", ".ndjson")
KINDS = (*DELIMITED, ".parquet", ".feather", ".arrow", *JSON, ".xlsx", ".xlsm")
ENDINGS = tuple(kind + packed for kind in KINDS for packed in ("", *PACKED))
"""The endings of tables' names, the likelier first."""
WORKBOOK = b"PK\x03\x04"
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
LARGE_FILE_POINTER = b"version https://git-lfs"
HEAD = 1000
ANY, FOLDER = "*", "label"
"""What stands for any folder, or any part of a name, in a path of several files; and the column that holds each row's folder."""
NUMBERS = re.compile(r"(\d+)")


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name.

    >>> is_table(Path("train.csv.gz")), is_table(Path("images.zip"))
    (True, False)
    """
    return path.name.lower().endswith(ENDINGS)


def read_text_table(path: Path, header: bool | None = None, encoding: str | None = None) -> TextTable:
    """Read a table file, packed or not, as texts; what it is shows in its bytes. Without `header`, that is worked out, and so is
    the `encoding` of a text that is not UTF-8.

    A path such as train/*/data.csv or train_*.csv is one table of several files, see `files_of`. Raises InputError for a file
    that is not there, damaged, or no table, with the row where it can be told.
    """
    if is_several(path):
        return _joined(path, header, encoding)
    require_file(path)
    name, data = unpacked(path)
    _refuse_others(path, data)
    if data.startswith((PARQUET, FEATHER)):
        return _typed(path, read_parquet(path, data), [])
    if data.startswith(WORKBOOK):
        return _workbook(path, data, header)
    if name.lower().endswith(JSON):
        text, remarks = as_utf8(path, data, encoding)
        columns, left_out, rows, more = read_json(path, text.decode())
        return _table(path, list(columns), list(columns.values()), rows, [*remarks, *more], left_out)
    cells = read_delimited(path, data, header, encoding)
    return _table(path, cells.names, cells.columns, cells.rows, cells.remarks, {})


def header_of(path: Path, header: bool | None = None, encoding: str | None = None) -> list[str]:
    """Return the names of the columns that `read_text_table` gives, from the file's beginning where that tells them."""
    if is_several(path):
        folder = [FOLDER] if ANY in path.parts else []
        return [*header_of(files_of(path)[0], header, encoding), *folder]
    require_file(path)
    name, start = unpacked(path, HEAD)
    _refuse_others(path, start)
    names = None
    if start.startswith(PARQUET):
        names = parquet_names(path)
    elif not start.startswith((WORKBOOK, FEATHER)) and not name.lower().endswith(JSON):
        names = first_names(path, header, encoding)
    if names is None or any(UNNAMED.fullmatch(name.strip()) for name in names):
        return list(map(str, read_text_table(path, header, encoding).cells))
    return list(named(names, [pa.chunked_array([[]], TEXT)] * len(names), [])[0])


def header_guess(path: Path, encoding: str | None = None) -> HeaderGuess:
    """Work out whether a table file's first line names its columns."""
    if is_several(path):
        return header_guess(files_of(path)[0], encoding)
    require_file(path)
    name, start = unpacked(path, HEAD)
    _refuse_others(path, start)
    if start.startswith((PARQUET, FEATHER)) or name.lower().endswith(JSON):
        return HeaderGuess(True, True, "its kind of file names its columns")
    if start.startswith(WORKBOOK):
        lines = _lines(read_excel(path, unpacked(path)[1], [])[0])
        return guess_header(lines[0], lines[1:])
    return beginning_of(path, encoding).guess


def is_several(path: Path) -> bool:
    """Whether a path names several files that are one table."""
    return any(ANY in part for part in path.parts)


def files_of(path: Path) -> list[Path]:
    """Return the files that a path names, in which * stands for any folder or any part of a name; part_2 comes before part_10.

    Read as one table, those with * for a folder have what stands there in the column `label`. Raises InputError where there is
    none.
    """
    if not is_several(path):
        return [path]
    at = next(at for at, part in enumerate(path.parts) if ANY in part)
    files = Path(*path.parts[:at]).glob(str(Path(*path.parts[at:])))
    if found := sorted(files, key=lambda file: [int(part) if part.isdecimal() else part for part in NUMBERS.split(str(file))]):
        return found
    raise InputError(
        f"there is no table {path}", mend="correct its name in params.yaml: * stands for any folder, or part of a name"
    )


def _joined(path: Path, header: bool | None, encoding: str | None) -> TextTable:
    """The table of several files, all of which have the same columns."""
    files = files_of(path)
    tables = [read_text_table(file, header, encoding) for file in files]
    first = tables[0]
    if others := [str(table.path) for table in tables if set(table.cells) != set(first.cells)]:
        raise InputError(f"files of {path} have other columns than {first.path}", others, "give them the same columns")
    remark, cells = f"{len(files)} files", [table.cells for table in tables]
    if ANY in path.parts:
        if FOLDER in first.cells:
            raise InputError(
                f"{path} has a column {FOLDER} already, as the folders' names are called", mend="give it another name"
            )
        at = path.parts.index(ANY)
        cells = [one.assign(**{FOLDER: file.parts[at]}) for one, file in zip(cells, files, strict=True)]
        remark += f", whose folder is the column {FOLDER}"
    remarks = dict.fromkeys(more for table in tables for more in table.remarks)
    rows = np.concatenate([table.rows for table in tables])
    joined = pd.concat(cells, ignore_index=True).astype("str")
    return TextTable(path, joined, rows, (remark, *remarks), first.left_out)


def require_file(path: Path) -> None:
    """Raise InputError for a file that is not there, with the nearest name."""
    if not path.is_file():
        beside = sorted(other.name for other in path.parent.glob("*") if other.is_file()) if path.parent.is_dir() else []
        raise InputError(
            f"there is no table {path}{nearest(path.name, beside)}",
            mend="correct its name; those of the competition's tables are in params.yaml",
        )


def _refuse_others(path: Path, data: bytes) -> None:
    """Raise InputError for a file whose beginning shows that it is no table."""
    start = data[:HEAD].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if not start and len(data) < HEAD:
        raise InputError(f"{path} is empty", mend="fetch it again")
    if start.startswith((b"<!doctype", b"<html")):
        raise InputError(f"{path} is a web page, not a table", mend="fetch it again, logged in where its site asks for it")
    if start.startswith(LARGE_FILE_POINTER):
        raise InputError(f"{path} is a pointer of Git LFS, not the table", mend="fetch the file itself: git lfs pull")
    if start.startswith(OLD_WORKBOOK):
        raise InputError(f"{path} is a workbook of an old Excel, or under a password", mend="save it as .xlsx or CSV")


def _workbook(path: Path, data: bytes, header: bool | None) -> TextTable:
    remarks: list[str] = []
    values, rows = read_excel(path, data, remarks)
    lines = _lines(values)
    with_header = guess_header(lines[0], lines[1:]).header if header is None else header
    body = values.iloc[int(with_header) :].reset_index(drop=True)
    names = lines[0] if with_header else [f"column{number}" for number in range(1, values.shape[1] + 1)]
    cells, left_out = text_cells(body.infer_objects())
    columns = [pa.chunked_array([pa.array(cells[column], TEXT)]) for column in cells]
    return _table(path, names, columns, rows[int(with_header) :], remarks, left_out)


def _lines(values: pd.DataFrame) -> list[list[str]]:
    """The first rows of a workbook as texts."""
    first = values.head(HEAD)
    lines: list[list[str]] = first.astype("str").where(first.notna(), "").to_numpy().tolist()
    return lines


def _typed(path: Path, columns: dict[str, pa.ChunkedArray], remarks: list[str]) -> TextTable:
    length = len(next(iter(columns.values()))) if columns else 0
    cells, left_out = cells_of(columns, length)
    texts = [pa.chunked_array([pa.array(cells[name], TEXT)]) for name in cells]
    return _table(path, list(map(str, cells)), texts, np.arange(length) + 2, remarks, left_out)


def _table(
    path: Path, names: list[str], columns: list[pa.ChunkedArray], rows: Array, remarks: list[str], left_out: dict[str, str]
) -> TextTable:
    """The table with clean names, and without columns that hold nothing or only pandas' index."""
    kept, more = named(names, columns, remarks)
    remarks.extend(f"the column {name} was left out: {reason}" for name, reason in left_out.items())
    if not kept:
        raise InputError(f"{path} has no columns", [f"{name}: {reason}" for name, reason in {**left_out, **more}.items()])
    unnamed = None
    if names and UNNAMED.fullmatch(names[0].strip()):
        unnamed = frame_of({names[0]: columns[0]}, len(rows)).iloc[:, 0]
    return TextTable(path, frame_of(kept, len(rows)), rows.astype("int64"), tuple(remarks), {**left_out, **more}, unnamed)
