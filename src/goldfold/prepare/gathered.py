"""What a kind of input has gathered from the competition's files."""

from dataclasses import dataclass

from goldfold.competition import Decision


@dataclass(frozen=True)
class Gathered:
    """A hash of what was gathered, what it is in a few words, what was decided, and a line for each input left blank."""

    digest: str
    description: str
    decisions: tuple[Decision, ...] = ()
    blank: tuple[str, ...] = ()
