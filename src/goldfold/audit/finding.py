"""What the audit found, in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was found: what it is about, and what is so. A `serious` one makes a score lie if nothing is done."""

    about: str
    message: str
    serious: bool


def counted(count: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`; `many` where an s does not do."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
