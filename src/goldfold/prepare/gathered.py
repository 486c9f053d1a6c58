"""What a kind of input gathers from the competition's files."""

from dataclasses import dataclass

from goldfold.competition import Decision


@dataclass(frozen=True)
class Gathered:
    """A hash of the inputs, a short description, the decisions made, a line for each input left blank, the training rows to
    leave out, and the import paths of the competitor's own code that training calls for these inputs."""

    digest: str
    description: str
    decisions: tuple[Decision, ...] = ()
    blank: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()
    own: tuple[str, ...] = ()
