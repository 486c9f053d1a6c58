"""What params.yaml says in prepare.features: the kinds of entries by name."""

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Discriminator, Tag, TypeAdapter

from goldfold.imports import nearest
from goldfold.modalities.table.features.aggregate import Aggregate
from goldfold.modalities.table.features.arithmetic import Arithmetic
from goldfold.modalities.table.features.category import Category
from goldfold.modalities.table.features.count import Count
from goldfold.modalities.table.features.date import Date
from goldfold.modalities.table.features.entry import Entry
from goldfold.modalities.table.features.length import Length
from goldfold.modalities.table.features.own import Own
from goldfold.modalities.table.features.part import TextPart
from goldfold.modalities.table.features.target import Target

KINDS = {
    name: kind
    for kind in (Category, Count, Target, Aggregate, Arithmetic, Date, Length, TextPart)
    for name in get_args(kind.model_fields["name"].annotation)
}
"""The kinds that goldfold brings, by name."""


def kind_of(value: Any) -> str:
    """Return the name of an entry's kind: one of KINDS, or own."""
    name = _name(value)
    return name if name in KINDS else "own"


def _name(value: Any) -> str:
    """The name that an entry bears, as params.yaml has it or as it was read; empty without one."""
    name = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
    return name if isinstance(name, str) else ""


def _known(value: Any) -> Any:
    """Return what an entry says; raises ValueError where it is none."""
    name, known = _name(value), f"the kinds are {', '.join(KINDS)}, and own.file:Name"
    if not name:
        raise ValueError(f"give an entry as {{name: count, of: [a]}}; {known}")
    if name not in KINDS and not name.startswith("own."):
        raise ValueError(f"there is no kind {name}{nearest(name, list(KINDS))}; {known}")
    return value


AnyEntry = Annotated[
    Annotated[Category, Tag("category")]
    | Annotated[Count, Tag("count")]
    | Annotated[Target, Tag("target")]
    | Annotated[Aggregate, Tag("aggregate")]
    | Annotated[Arithmetic, Tag("difference")]
    | Annotated[Arithmetic, Tag("ratio")]
    | Annotated[Date, Tag("date")]
    | Annotated[Length, Tag("length")]
    | Annotated[TextPart, Tag("part")]
    | Annotated[Own, Tag("own")],
    Discriminator(kind_of),
    BeforeValidator(_known),
]
"""An entry of prepare.features."""
_ADAPTER: TypeAdapter[Entry] = TypeAdapter(AnyEntry)


def parse_entry(tree: Any) -> Entry:
    """Return an entry that was valid when it was written down."""
    return _ADAPTER.validate_python(tree)
