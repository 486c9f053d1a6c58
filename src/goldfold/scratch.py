"""The scratch folder: states of trainings, features, decoded images. It outlives the stages, outside of git and DVC."""

import os
from pathlib import Path


def repository() -> Path:
    """Return the repository's root: the main one even under `dvc exp run --queue` and `--temp`, which run in a copy."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def scratch_folder() -> Path:
    """Return the scratch folder, which may be deleted at any time, at the cost of doing the work again."""
    return repository() / ".goldfold"
