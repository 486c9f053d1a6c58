"""CheckResult: what a check reports."""

from dataclasses import dataclass
from typing import Literal

from goldfold.errors import InputError


@dataclass(frozen=True)
class CheckResult:
    """What was checked, with what result, and how to mend what is wrong. A note is not a mistake."""

    name: str
    state: Literal["ok", "note", "wrong"]
    message: str
    mend: str = ""

    @classmethod
    def of(cls, name: str, error: InputError) -> "CheckResult":
        """Put an InputError on one line."""
        message, _, mend = str(error).partition("\nTo mend it: ")
        first, *details = [line.strip() for line in message.splitlines()]
        return cls(name, "wrong", first + (f": {'; '.join(details)}" if details else ""), mend)


def ok(name: str, message: str) -> CheckResult:
    return CheckResult(name, "ok", message)


def note(name: str, message: str) -> CheckResult:
    return CheckResult(name, "note", message)


def wrong(name: str, message: str, mend: str) -> CheckResult:
    return CheckResult(name, "wrong", message, mend)
