"""Origin: the MLflow run that a result belongs to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from goldfold.files import read_json, write_json
from goldfold.scratch import read_kept


@dataclass(frozen=True)
class Origin:
    """The MLflow run of a result: its experiment, the key of its records, its name, and its id once the store knows it."""

    experiment: str
    key: str
    name: str
    run_id: str = ""

    def save(self, path: Path) -> None:
        """Write it to a file, for later stages and commands."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Origin | None":
        """Read what `save` wrote; None if there is no such file."""
        return cls(**read_json(path)) if path.is_file() else None

    @classmethod
    def kept(cls, path: Path) -> "Origin | None":
        """Read what `save` wrote in scratch; None if there is none that is whole."""
        saved = read_kept(path)
        return cls(**saved) if saved else None


def save_origins(path: Path, origins: Mapping[str, Origin]) -> None:
    """Write the runs that trained folds, by the names `<fold>-<seed>`."""
    write_json(path, {name: asdict(origin) for name, origin in origins.items()})


def load_origins(path: Path) -> dict[str, Origin]:
    """Read what `save_origins` wrote; none if there is no such file."""
    return {name: Origin(**origin) for name, origin in read_json(path).items()} if path.is_file() else {}
