"""git and DVC, as processes."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from goldfold.errors import InputError


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git and keep what it prints; where there is no git it fails with 127, as in a shell."""
    command = ["git", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", "there is no command git")


def dvc(*arguments: str, kept: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the DVC of this environment, activated or not, on stages that run its Python; keep what it prints, or let it print.

    Raises InputError where DVC is not installed.
    """
    if find_spec("dvc") is None:
        raise InputError("DVC is not installed here", mend="make env builds the environment; or pip install dvc")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # -P: no folder of the repository is imported in place of a library.
    command = [sys.executable, "-P", "-m", "dvc", *arguments]
    return subprocess.run(command, capture_output=kept, text=True, check=False, env={**os.environ, "PATH": path})
