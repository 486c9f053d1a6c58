"""Decisions that goldfold makes for the competitor, to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from goldfold.schema import Column

FROM_PARAMS = "as params.yaml says"


@dataclass(frozen=True)
class Decision:
    """A choice made for the competitor: the setting, what was chosen, and why."""

    setting: str
    value: str
    why: str


def columns_read(columns: Sequence[Column]) -> list[Decision]:
    """Return a line for each kind of column and way of reading it, with the columns' names and what was odd."""
    groups: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        groups.setdefault((column.kind, _remark(column)), []).append(column.name)
    return [Decision(f"columns: {kind}", ", ".join(names), why) for (kind, why), names in groups.items()]


def _remark(column: Column) -> str:
    """How a column is read, where that is not plain, and what was odd."""
    remarks = [column.why] if column.format or column.why == FROM_PARAMS or column.kind == "text" else []
    if column.missing:
        remarks.append(f"missing where it is {', '.join(map(repr, column.missing))}")
    if column.odd_cells:
        remarks.append(f"missing in {column.odd_cells} cells that are none: {'; '.join(column.odd[:5])}")
    remarks += [column.doubt] if column.doubt else []
    return "; ".join(remarks) or "by their cells"
