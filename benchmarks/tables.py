"""How long a large CSV takes to become values, beside pandas."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from benchmarks.measure import Row, ratio, take_turns

ROWS, ROUNDS = 1_000_000, 3
COLORS = ("red", "green", "blue", "white")


def large_table(folder: Path) -> list[Row]:
    """A million rows of 50 columns: by a schema that was worked out before, as in all stages but prepare; and with that."""
    path = folder / "train.csv"
    _write(path)
    timed = take_turns(
        {
            "values": partial(_values, path),
            "schema": partial(_schema_and_values, path),
            "pandas": partial(_pandas, path),
        },
        ROUNDS,
    )
    what, seconds = (
        f"table of {ROWS:,} rows and 50 columns",
        {name: f"{median(one.seconds):.1f} s" for name, one in timed.items()},
    )
    found = ratio(timed["pandas"], timed["values"])
    both = ratio(timed["pandas"], timed["schema"])
    return [
        Row(what, "pandas.read_csv", seconds["values"], seconds["pandas"], found, "0.5 x", found >= 0.5, "read by its schema"),
        Row(what, "pandas.read_csv", seconds["schema"], seconds["pandas"], both, "-", True, "the schema worked out too"),
    ]


def _write(path: Path) -> None:
    """An id, 35 fractions, 8 whole numbers, 4 categories, a time and a target."""
    g = np.random.default_rng(0)
    columns: dict[str, Any] = {"id": np.arange(ROWS)}
    columns |= {f"fraction{at}": g.normal(size=ROWS).round(6) for at in range(35)}
    columns |= {f"whole{at}": g.integers(0, 1000, ROWS) for at in range(8)}
    columns |= {f"color{at}": g.choice(COLORS, ROWS) for at in range(4)}
    columns["when"] = pd.date_range("2015-01-01", periods=ROWS, freq="min").strftime("%Y-%m-%d %H:%M:%S")
    columns["target"] = g.integers(0, 2, ROWS)
    pa.csv.write_csv(pa.table(columns), path, pa.csv.WriteOptions(quoting_style="none"))


def _values(path: Path) -> Callable[[], int]:
    from goldfold.schema import work_out_schema
    from goldfold.tables import read_text_table

    schema = work_out_schema([read_text_table(path)], {})
    return lambda: len(schema.read(read_text_table(path).cells))


def _schema_and_values(path: Path) -> Callable[[], int]:
    from goldfold.schema import work_out_schema
    from goldfold.tables import read_text_table

    def read() -> int:
        table = read_text_table(path)
        return len(work_out_schema([table], {}).read(table.cells))

    return read


def _pandas(path: Path) -> Callable[[], int]:
    return lambda: len(pd.read_csv(path))
