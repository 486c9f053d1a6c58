"""DVC's files that it writes in place, and its copies of outputs, which it never makes durable and trusts unseen.

A kill or a power cut leaves them cut; then every later command of DVC fails, or brings back what is cut, even when it is forced.
"""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

HELD = Path(".dvc/tmp")
CACHE = Path(".dvc/cache/files/md5")
FOLDER = ".dir"
"""How the names of folders end in the cache: lists of their files."""
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
    """Return those that are cut, and that no DVC is writing just now, and what is cut of the outputs of now."""
    files = [path for path, (guard, read) in FILES.items() if _is_cut(path, read) and _is_cut_at_rest(path, guard, read)]
    return [*files, *_cut_copies()]


def mend_dvc_files() -> None:
    """Delete what is cut, with a line each; DVC writes it again, from what it keeps, or by the stage."""
    for path in cut_dvc_files():
        path.unlink()
        print(f"{path} was cut by a kill, or by the disk; it is deleted, and DVC writes it again", flush=True)


def _cut_copies() -> Iterator[Path]:
    """Return the cut copies of the outputs of now, and the outputs that are cut with them: both may be one file on the disk."""
    for lock in FILES:
        stages = _stages(lock) if lock.suffix == ".lock" else {}
        for out in [out for stage in stages.values() for out in stage.get("outs", [])]:
            copies = _copies(str(out.get("md5", "")), lock.parent / out["path"])
            sizes = [copy.stat().st_size for copy in copies]
            # Reading takes long. DVC writes down the size of what it has brought back, cut or not.
            if sum(sizes) != out.get("size") or not all(sizes):
                for copy, output in copies.items():
                    name = copy.parent.name + copy.name
                    if _md5(copy) != name:
                        yield from (path for path in (copy, output) if path.is_file() and _md5(path) != name)


def _stages(lock: Path) -> dict[str, Any]:
    """Return the stages in a dvc.lock; none where there is none that can be read."""
    try:
        return YAML(typ="safe").load(lock)["stages"]  # type: ignore[no-any-return]
    except (OSError, ValueError, YAMLError, TypeError, KeyError):
        return {}


def _copies(name: str, output: Path) -> dict[Path, Path]:
    """Return the files in the cache of an output of that name, and what each is a copy of; none that are not here."""
    path = CACHE / name[:2] / name[2:]
    if not path.is_file():
        return {}
    if not name.endswith(FOLDER):
        return {path: output}
    try:
        files = [(file["md5"], output / file["relpath"]) for file in _json(path)]
    except (ValueError, TypeError, KeyError):
        return {path: output}
    return {copy: of for name, of in files for copy, of in _copies(name, of).items()}


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


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
