"""Reading Parquet."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from goldfold.errors import InputError


def read_parquet(path: Path, data: bytes) -> dict[str, pa.ChunkedArray]:
    """Read a Parquet file's columns, with a named index; raises InputError for a damaged file."""
    try:
        names = pa.parquet.read_schema(pa.BufferReader(data)).names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"{path} has several columns of one name", twice, "save it with a name for each")
        table = pa.parquet.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is a damaged Parquet file: {error}", mend="fetch it again") from None
    return dict(zip(table.column_names, table.columns, strict=True))


def parquet_names(path: Path) -> list[str] | None:
    """The names of a Parquet file's columns from its end, or None where only its values tell which can be read."""
    try:
        schema = pa.parquet.read_schema(path)
    except (pa.ArrowException, OSError):
        return None
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_boolean, pa.types.is_temporal)
    return schema.names if all(any(is_kind(kind) for is_kind in plain) for kind in schema.types) else None
