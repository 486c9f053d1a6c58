"""Records: what to log to a run, kept in files until the store has it."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldfold.files import link, read_json, write_json
from goldfold.scratch import is_whole, keeping
from goldfold.tracking.datasets import Dataset

WEIGHTS = ".safetensors"
"""The suffix of large files, which are linked instead of copied; they are never changed in place."""
Measured = tuple[str, float, int, float]
"""A metric's name, its value, the step, and the moment (unix, s)."""


@dataclass(frozen=True)
class Record:
    """What to log to one run: the parent of `key`, or its child called `fold`. Logging it twice changes nothing.

    `artifacts` maps files to folders of the run; `datasets` are what it learned from and predicted. A `status` ends the run.
    """

    experiment: str
    key: str
    name: str
    fold: str | None = None
    status: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Measured] = ()
    artifacts: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()


class Outbox:
    """A folder of records, in the order of arrival, with copies of their artifacts or links to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, record: Record) -> Path:
        """Add a record; return its folder."""
        path = self.folder / f"{time.time_ns()}-{record.key}"
        with keeping(path) as draft:
            kept: dict[str, str] = {}
            for number, (source, target) in enumerate(record.artifacts.items()):
                copy = draft / str(number) / Path(source).name
                copy.parent.mkdir()
                (link if copy.suffix == WEIGHTS else shutil.copyfile)(Path(source), copy)
                kept[str(copy.relative_to(draft))] = target
            write_json(draft / "record.json", {**asdict(record), "artifacts": kept})
        return path

    def waiting(self) -> list[tuple[Path, Record]]:
        """Return the waiting records, oldest first, each with its folder; set aside what is cut or altered."""
        folders = sorted(path for path in self.folder.glob("[0-9]*") if path.is_dir())
        for path in [path for path in folders if not is_whole(path)]:
            folders.remove(path)
            print(f"tracking: a record is cut or altered; it is kept in {self.set_aside(path)}", file=sys.stderr, flush=True)
        return [(path, _read(path)) for path in folders]

    def set_aside(self, path: Path) -> Path:
        """Move a record that can never be delivered out of the queue; return its new folder."""
        aside = self.folder / "refused" / path.name
        aside.parent.mkdir(exist_ok=True)
        return path.replace(aside)

    def remove(self, path: Path) -> None:
        """Remove a record that was delivered."""
        shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> Record:
    saved: dict[str, Any] = read_json(folder / "record.json")
    artifacts = {str(folder / source): target for source, target in saved["artifacts"].items()}
    metrics = [tuple(measured) for measured in saved["metrics"]]
    datasets = [Dataset(*described) for described in saved.get("datasets", ())]
    return Record(**{**saved, "artifacts": artifacts, "metrics": metrics, "datasets": datasets})
