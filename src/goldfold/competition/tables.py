"""Reading a competition's tables, with ids and labels exactly as they are written."""

import string
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas._libs.parsers import STR_NA_VALUES

from goldfold.errors import InputError
from goldfold.imports import nearest

SEPARATORS = {";": "semicolon", "\t": "tab", "|": "bar"}


def columns_of(path: Path, header: bool = True) -> list[str]:
    """The column names of a table, from its header alone; column1 and so on without one."""
    if header:
        names = list(_read(path, nrows=0).columns)
        separator = next((name for sign, name in SEPARATORS.items() if len(names) == 1 and sign in names[0]), None)
        if separator:
            raise InputError(
                f"{path}: its columns are separated by {separator}s", [names[0][:80]], "save it with commas between the columns"
            )
        return names
    return [f"column{number}" for number in range(1, _read(path, nrows=1, header=None).shape[1] + 1)]


def read_table(path: Path, text: Collection[str], header: bool = True) -> pd.DataFrame:
    """Read a CSV, TSV or Parquet table; the columns `text` (ids, labels) stay texts exactly as they are written.

    So 007 stays 007, and a class called NA or None is a class. Raises InputError for a missing or unreadable file.
    """
    if path.suffix == ".parquet":
        table = _read(path)
        table[[name for name in text if name in table]] = table[[name for name in text if name in table]].astype("str")
        return table
    names = columns_of(path, header)
    others = [name for name in names if name not in text]
    unnamed = {} if header else {"header": None, "names": names}
    return _read(
        path,
        dtype=dict.fromkeys(text, "str"),
        keep_default_na=False,
        na_values={name: sorted(STR_NA_VALUES) for name in others},
        low_memory=False,
        **unnamed,
    )


def fields_of(template: str) -> list[str]:
    """The columns that a template such as `{patient}_{side}` refers to."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def filled(table: pd.DataFrame, template: str) -> list[str]:
    """A template filled in by each row."""
    fields = fields_of(template)
    return [template.format(**dict(zip(fields, row, strict=True))) for row in zip(*(table[f] for f in fields), strict=True)]


def require_columns(table: Collection[str], wanted: Collection[str], where: str, key: str) -> None:
    """Raise InputError for columns, named by params.yaml's `key`, that the table `where` does not have."""
    missing = [name for name in wanted if name not in table]
    if missing:
        raise InputError(
            f"{where} has no column {', '.join(missing)}{nearest(missing[0], list(table))}",
            [f"its columns are {', '.join(list(table)[:30])}"],
            f"correct {key} in params.yaml",
        )


def read_rows(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """Read several tables as one, whose index is each row's file and line."""
    tables = [read_table(path, (), header) for path in paths]
    names = [f"{path} {line(row, header)}" for path, table in zip(paths, tables, strict=True) for row in range(len(table))]
    return pd.concat(tables).set_axis(names)


def line(position: int, header: bool = True) -> str:
    """The number of a table's row in its file, by its `position` from 0; the header is row 1."""
    return f"row {position + 1 + header}"


def require_ids(table: pd.DataFrame, id_column: str, path: Path) -> None:
    """Raise InputError for a table without rows, and for empty or repeated ids."""
    if table.empty:
        raise InputError(f"{path} has no rows", mend="give the whole file, or name another one in params.yaml, competition")
    ids = table[id_column]
    empty = [line(position) for position in (ids == "").to_numpy().nonzero()[0].tolist()]
    if empty:
        raise InputError(f"{path}: rows without {id_column}: {len(empty)}", empty, "give every row an id")
    twice = ids.duplicated(keep=False).to_numpy()
    if twice.any():
        first: dict[str, int] = {}
        repeats = []
        for position in twice.nonzero()[0].tolist():
            seen = first.setdefault(ids.iloc[position], position)
            if seen != position:
                repeats.append(f"{line(position)}: {id_column} {ids.iloc[position]}, first seen in {line(seen)}")
        raise InputError(
            f"{path}: repeated ids: {len(repeats)}",
            repeats,
            "keep one row per id, or name another column in competition.id",
        )


def _read(path: Path, **options: Any) -> pd.DataFrame:
    if not path.is_file():
        beside = sorted(other.name for other in path.parent.glob("*") if other.is_file()) if path.parent.is_dir() else []
        raise InputError(
            f"there is no table {path}{nearest(path.name, beside)}",
            mend="correct its name; those of the competition's tables are in params.yaml",
        )
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        separator = "\t" if ".tsv" in path.suffixes else ","
        table: pd.DataFrame = pd.read_csv(path, sep=separator, **options)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        reason = str(error).strip()
        mend = "open it in an editor and look for an unclosed quotation mark, or a line with more values than columns"
        raise InputError(f"{path} cannot be read as a table: {reason}", mend=mend) from None
    return table


def _not_utf8(path: Path) -> InputError:
    """The error for a table that is not UTF-8: its first such row, and how to convert it."""
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin1"
    try:
        data.decode()
        row = 1
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    return InputError(
        f"{path} is not written in UTF-8: row {row}",
        mend=f"save it as UTF-8, such as by: iconv -f {encoding} -t utf-8 {path.name} > utf8.csv",
    )
