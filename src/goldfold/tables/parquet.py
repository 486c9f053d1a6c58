"""Reading Parquet, and Feather, which is Arrow's own file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from goldfold.errors import InputError

PARQUET, FEATHER = b"PAR1", b"ARROW1"
"""How such files begin."""


def read_parquet(path: Path, data: bytes) -> dict[str, pa.ChunkedArray]:
    """Read the columns of a Parquet or Feather file, with a named index; raises InputError for a damaged file."""
    source = pa.BufferReader(data)
    try:
        is_parquet = data.startswith(PARQUET)
        schema = pa.parquet.read_schema(source) if is_parquet else pa.ipc.open_file(source).schema
        names = schema.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"{path} has several columns of one name", twice, "save it with a name for each")
        table = pa.parquet.read_table(source) if is_parquet else pa.feather.read_table(source)
    except (pa.ArrowException, OSError) as error:
        kind = "Parquet" if data.startswith(PARQUET) else "Feather"
        raise InputError(f"{path} is a damaged {kind} file: {error}", mend="fetch it again") from None
    return {**_counted_index(schema), **dict(zip(table.column_names, table.columns, strict=True))}


def _counted_index(schema: pa.Schema) -> dict[str, pa.ChunkedArray]:
    """A named index that pandas keeps as a beginning, an end and a step, outside of the columns."""
    kept = (schema.pandas_metadata or {}).get("index_columns", [])
    ranges = [one for one in kept if isinstance(one, dict) and one.get("kind") == "range" and one.get("name") is not None]
    return {str(one["name"]): pa.chunked_array([np.arange(one["start"], one["stop"], one["step"])]) for one in ranges}


def parquet_names(path: Path) -> list[str] | None:
    """The names of a Parquet file's columns from its end, or None where only its values tell which can be read."""
    try:
        schema = pa.parquet.read_schema(path)
    except (pa.ArrowException, OSError):
        return None
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_boolean, pa.types.is_temporal)
    counted = list(_counted_index(schema))
    return [*counted, *schema.names] if all(any(is_kind(kind) for is_kind in plain) for kind in schema.types) else None
