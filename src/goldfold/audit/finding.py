"""Finding: one result of the audit, in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A subject and a message about it; a `serious` finding makes scores misleading."""

    about: str
    message: str
    serious: bool


def counted(count: int, one: str, many: str = "") -> str:
    """Return `1 row` or `2 rows`; `many` is an irregular plural."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
