"""What a check found."""

from dataclasses import dataclass
from typing import Literal

from goldfold.errors import InputError


@dataclass(frozen=True)
class Finding:
    """What a check looked at, what it found, and, where something is wrong, how to mend it. A note is no mistake."""

    what: str
    state: Literal["ok", "note", "wrong"]
    told: str
    mend: str = ""

    @classmethod
    def of(cls, what: str, error: InputError) -> "Finding":
        """What an InputError says, on one line."""
        told, _, mend = str(error).partition("\nTo mend it: ")
        first, *places = [line.strip() for line in told.splitlines()]
        return cls(what, "wrong", first + (f": {'; '.join(places)}" if places else ""), mend)


def ok(what: str, told: str) -> Finding:
    return Finding(what, "ok", told)


def note(what: str, told: str) -> Finding:
    return Finding(what, "note", told)


def wrong(what: str, told: str, mend: str) -> Finding:
    return Finding(what, "wrong", told, mend)
