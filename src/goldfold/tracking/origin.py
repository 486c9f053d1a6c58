"""Origin: which MLflow run a result belongs to."""

from dataclasses import asdict, dataclass
from pathlib import Path

from goldfold.files import read_json, write_json


@dataclass(frozen=True)
class Origin:
    """The MLflow run of a result: its experiment, the key of its records, its name, and its id once the store has given one."""

    experiment: str
    key: str
    name: str
    run_id: str = ""

    def save(self, path: Path) -> None:
        """Write it down, for later stages and commands that have the result from a file or from DVC's cache."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Origin | None":
        """Read what `save` wrote; None where there is no such file."""
        return cls(**read_json(path)) if path.is_file() else None
