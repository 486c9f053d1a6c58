"""Rows of a table as people see them."""

from goldfold.metrics import Array
from goldfold.modalities.protocol import Spec
from goldfold.modalities.table.prepare import features_of
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part
from goldfold.tables import text_cells


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the values of the columns that the model reads."""
    names = [feature.name for feature in features_of(prepared.folder) if feature.kind != "drop"]
    cells, _ = text_cells(prepared.table(part).iloc[rows][names])
    return [Shown(values=dict(zip(names, row, strict=True))) for row in cells.replace("", "–").itertuples(index=False)]
