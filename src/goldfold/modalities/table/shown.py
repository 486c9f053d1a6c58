"""Rows of a table as people see them."""

from goldfold.metrics import Array
from goldfold.modalities.protocol import Spec
from goldfold.modalities.table.prepare import columns_of
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the values of the columns that the model reads."""
    names = [column.name for column in columns_of(prepared.folder) if column.kind != "drop"]
    table = prepared.table(part).iloc[rows][names].astype("object").fillna("–").astype("str")
    return [Shown(values=dict(zip(names, row, strict=True))) for row in table.itertuples(index=False)]
