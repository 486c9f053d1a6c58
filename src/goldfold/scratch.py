"""The scratch folder: states of trainings, features, decoded images. It outlives the stages, outside of git and DVC.

What is kept there has checksums. What is cut or altered is deleted, with a line, and made again.
"""

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldfold.files import DamagedError, folder_written_whole, read_json, remove, write_json

SUMS = "sums.json"
"""The checksums of the other files of a folder."""
CHUNK = 2**20


def repository() -> Path:
    """Return the repository's root: the main one even under `dvc exp run --queue` and `--temp`, which run in a copy."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def scratch_folder() -> Path:
    """Return the scratch folder, which may be deleted at any time, at the cost of doing the work again."""
    return repository() / ".goldfold"


@contextmanager
def keeping(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill; it replaces `folder` when the block succeeds, with the checksums of its files."""
    with folder_written_whole(folder) as draft:
        yield draft
        write_json(draft / SUMS, checksums(draft))


def is_whole(folder: Path) -> bool:
    """Return whether a folder holds, byte for byte, what `keeping` wrote."""
    try:
        return bool(read_json(folder / SUMS) == checksums(folder))
    except (OSError, ValueError):
        return False


def is_kept(path: Path) -> bool:
    """Return whether a folder of `keeping`, or a file with a seal, is there and whole; what is not whole is deleted."""
    if not path.exists():
        return False
    whole = is_whole(path) if path.is_dir() else _checksum(path) == SEALED
    if not whole:
        discard_damaged(path)
    return whole


def read_kept(path: Path) -> Any:
    """Read a JSON file in scratch; return None where there is none, or where it is cut or altered and so deleted."""
    try:
        return read_json(path) if path.is_file() else None
    except DamagedError:
        discard_damaged(path)
        return None


def discard_damaged(path: Path) -> None:
    """Delete what is cut or altered, and say so."""
    print(f"goldfold: {path} is cut or altered; it is deleted, and made again", file=sys.stderr, flush=True)
    remove(path)


SEAL = 4
"""The length of a seal, in bytes."""
SEALED = 0x2144DF1C
"""The CRC-32 of anything that ends with its own CRC-32."""


def seal(file: Path) -> None:
    """Append the file's checksum to it."""
    checksum = _checksum(file).to_bytes(SEAL, "little")
    with file.open("ab") as end:
        end.write(checksum)


def checksums(folder: Path) -> dict[str, int]:
    """Return the checksum of each file, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    return {path.relative_to(folder).as_posix(): _checksum(path) for path in files}


def _checksum(file: Path) -> int:
    """Return a file's CRC-32, at gigabytes per second: it is to find accidents, not forgeries."""
    checksum = 0
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
