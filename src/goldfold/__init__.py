"""goldfold: from a competition's files to a validated submission.

In a notebook, `repo = goldfold.open()` gives the repository that it lies in: see goldfold.repository.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldfold.repository import Repository
    from goldfold.repository import open_repository as open

__version__ = "0.1.0"
__all__ = ["Repository", "open"]


def __getattr__(name: str) -> Any:
    """Import the door when it is asked for, so that `import goldfold` costs nothing."""
    door = {"Repository": "Repository", "open": "open_repository"}
    if name not in door:
        raise AttributeError(f"module goldfold has no attribute {name}")
    return getattr(import_module("goldfold.repository"), door[name])
