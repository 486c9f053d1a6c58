"""Finding a competition's tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldfold.competition.row_files import require_own_files
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError
from goldfold.tables import ENDINGS, is_table

TRAIN_TABLES = tuple(f"train{ending}" for ending in ENDINGS)
TEST_TABLES = tuple(f"test{ending}" for ending in ENDINGS)


@dataclass(frozen=True)
class Files:
    """A competition's folder and its tables; without a training table it is a folder of images, or of other files."""

    root: Path
    train: Path | None
    test: Path | None
    sample: Path | None


def find_files(config: CompetitionConfig) -> Files:
    """Find the tables in the competition's folder; raises InputError where there is no folder, or several samples."""
    root = Path(config.path)
    if not root.is_dir():
        raise InputError(
            f"there is no folder {root}, which competition.path names",
            mend="put the competition's files in data/raw/<name>/, or correct competition.path",
        )
    if Path.cwd().resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"competition.path: {root} holds more than a competition's files, this folder among them",
            mend="name the competition's own folder, data/raw/<name>",
        )
    require_own_files(root, config.links)
    train = _named_or_usual(root, config.train, TRAIN_TABLES)
    test = _named_or_usual(root, config.test, TEST_TABLES) if train else None
    return Files(root, train, test, root / config.sample_submission if config.sample_submission else _sample(root))


def _named_or_usual(root: Path, name: str | None, usual: Sequence[str]) -> Path | None:
    if name:
        return root / name
    return next((root / table for table in usual if (root / table).is_file()), None)


def _sample(root: Path) -> Path | None:
    candidates = sorted(path for path in root.iterdir() if is_table(path) and "submission" in path.name.lower())
    if len(candidates) > 1:
        raise InputError(
            f"{root} has {len(candidates)} files that could be the sample submission",
            [path.name for path in candidates],
            "name the right one in competition.sample_submission",
        )
    return candidates[0] if candidates else None
