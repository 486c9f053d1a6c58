"""What outlives the stages: states of trainings, features, choices, decoded images. In the repository, not in git or DVC."""

import os
from pathlib import Path


def repository() -> Path:
    """The repository's root; under `dvc exp run --queue` and `--temp`, which run elsewhere, still the main one."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def scratch_folder() -> Path:
    """The folder whose content may be deleted at any time, at the cost of doing it again."""
    return repository() / ".goldfold"
