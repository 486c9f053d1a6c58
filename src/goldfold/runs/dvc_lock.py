"""DVC's files that it writes in place: a kill in that moment leaves them cut, and every later command of DVC fails."""

import fcntl
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

HELD = Path(".dvc/tmp")
Read = Callable[[Path], Any]


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


FILES: dict[Path, tuple[Path, Read]] = {
    HELD / "rwlock": (HELD / "rwlock.lock", _json),
    Path("dvc.lock"): (HELD / "lock", YAML(typ="safe").load),
    Path("data/demo/dvc.lock"): (HELD / "lock", YAML(typ="safe").load),
}
"""Each of them, with the file by which DVC holds it while it writes, and how it is read."""


def cut_dvc_files() -> list[Path]:
    """Return those that are cut, and that no DVC is writing just now."""
    return [path for path, (guard, read) in FILES.items() if _is_cut(path, read) and _is_cut_at_rest(path, guard, read)]


def mend_dvc_files() -> None:
    """Delete those that are cut, with a line each; DVC writes them again, from what it keeps."""
    for path in cut_dvc_files():
        path.unlink()
        print(f"{path} was cut by a kill of DVC; it is deleted, and DVC writes it again", flush=True)


def _is_cut(path: Path, read: Read) -> bool:
    try:
        return path.is_file() and not isinstance(read(path), dict)
    except (ValueError, YAMLError):
        return True


def _is_cut_at_rest(path: Path, guard: Path, read: Read) -> bool:
    """Return whether a file is cut although no DVC holds it; while one writes, it is empty for a moment."""
    guard.parent.mkdir(parents=True, exist_ok=True)
    with guard.open("a") as held, suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _is_cut(path, read)
    return False
