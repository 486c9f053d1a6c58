"""What init writes: a value of params.yaml, and why."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A key of params.yaml, `section.key` or `section`, its value, and the comment that gives the reason.

    A remark has no value: it is a comment line in the section `key`. `is_usual` marks a default that the files did not decide.
    """

    key: str
    value: Any
    why: str = ""
    is_remark: bool = False
    is_usual: bool = False

    @property
    def section(self) -> str:
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """The key within its section; empty for a section that is one value."""
        return self.key.partition(".")[2]


def remark(section: str, text: str) -> Setting:
    """Make a comment line in a section."""
    return Setting(section, None, text, is_remark=True)
