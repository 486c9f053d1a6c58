"""Tables that are joined to the rows by a key, such as a table of stores to their days."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition.histories import count_of, summed_up
from goldfold.competition.tables import require_columns
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError
from goldfold.schema.column import stripped_cells
from goldfold.schema.kinds import NEARLY_ALL
from goldfold.schema.numbers import canonical, plain_numbers
from goldfold.tables import TextTable, read_text_table

Key = tuple[str, ...]


def read_joins(config: CompetitionConfig, root: Path) -> list[tuple[Key, TextTable]]:
    """Read the tables of competition.join, with their keys; raises InputError for one that lacks its key."""
    tables = []
    for name, join in config.join.items():
        parts = [read_text_table(root / one, config.header, config.encoding) for one in (name, *join.beside)]
        for part in parts:
            require_columns(part.cells.columns, join.by, str(part.path), "competition.join")
        cells = pd.concat([part.cells for part in parts], ignore_index=True).fillna("")
        table = replace(parts[0], cells=cells, rows=np.concatenate([part.rows for part in parts]))
        if join.take:
            table = summed_up(table, join.by, _keys(table.cells, table.cells, join.by)[1], join.take)
        tables.append((join.by, table))
    return tables


def joined(table: TextTable, joins: Sequence[tuple[Key, TextTable]], needed: bool = False) -> TextTable:
    """Return a table of rows with the columns of the tables that are joined to it, empty where one has no row for a key.

    One that has no row for any key, such as a table of labels for the test rows, is not joined, unless it is `needed`. Raises
    InputError where the table lacks a key, where one has several rows for a key, and where one that is needed has none.
    """
    cells, remarks = table.cells, [*table.remarks]
    for key, other in joins:
        require_columns(cells.columns, key, str(table.path), "competition.join")
        asked, known = _keys(cells, other.cells, key)
        if twice := known.duplicated().to_numpy().nonzero()[0].tolist():
            raise InputError(
                f"{other.path} has several rows for a {' and '.join(key)}, by which competition.join joins it: {len(twice)}",
                [f"row {other.rows[at]}: {known[at]}" for at in twice],
                f"say what a row gets of them, {other.path.name}: {{by: {key[0]}, take: [count, mean, last]}}; or leave it out",
            )
        added = other.cells.drop(columns=[name for name in other.cells if name in cells]).set_axis(known).reindex(asked)
        added = added.fillna({count_of(other): "0"})
        lacking = int((~asked.isin(known)).sum())
        if lacking == len(cells) and needed:
            raise InputError(
                f"{other.path} has no row for any {' and '.join(key)} of {table.path.name}",
                [f"{table.path.name} has {asked.iloc[0]}; {other.path.name} has {known.iloc[0]}"],
                "correct competition.join",
            )
        if lacking == len(cells):
            remarks.append(f"{other.path.name} has no row for any of its {' and '.join(key)}, and is not joined")
            continue
        cells = pd.concat([cells, added.set_axis(cells.index).fillna("")], axis=1)
        names = f"{', '.join(map(str, added.columns))} joined from {other.path.name} by {' and '.join(key)}"
        remarks.append(f"{names}, which has no row for {lacking} of its rows" if lacking else names)
    return replace(table, cells=cells, remarks=tuple(remarks))


def key_of(other: pd.DataFrame, tables: Sequence[pd.DataFrame]) -> Key | None:
    """Return the columns by which a table has one row for nearly every row of all tables; None where none do, or it adds none."""
    shared = [str(name) for name in other if all(name in table for table in tables)]
    if all(any(name in table for table in tables) for name in other):
        return None
    for key in dict.fromkeys([*((name,) for name in shared), tuple(shared)] if shared else []):
        keys = [_keys(table, other, key) for table in tables]
        if all(known.is_unique and asked[asked != ""].isin(known).mean() >= NEARLY_ALL for asked, known in keys):
            return key
    return None


def history_key(other: pd.DataFrame, tables: Sequence[pd.DataFrame]) -> Key | None:
    """Return the column whose values are those of one row each in all tables, for which a table has several rows; None without.

    Rows may have no history, but half of those of each table have one.
    """
    for name in [str(name) for name in other if all(name in table for table in tables)]:
        keys = [_keys(table, other, (name,)) for table in tables]
        if all(asked.is_unique and not known.is_unique and 2 * asked.isin(known).mean() >= 1 for asked, known in keys):
            return (name,)
    return None


def _keys(one: pd.DataFrame, other: pd.DataFrame, key: Key) -> tuple[pd.Series, pd.Series]:
    """The keys of the rows of two tables as texts that are the same for the same key; numbers may be spelt in any way."""
    columns = []
    for name in key:
        texts = stripped_cells([one[name], other[name]])
        numbers = plain_numbers(texts)
        columns.append(pd.Series(texts.to_pandas().astype("str")) if numbers is None else canonical(numbers))
    both = columns[0]
    for column in columns[1:]:
        both = both + ", " + column
    return both.iloc[: len(one)], both.iloc[len(one) :].reset_index(drop=True)
