"""Storage that all nodes of a cluster reach: folders at addresses of fsspec, each whole or not there."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.files import folder_written_whole
from goldfold.scratch import SUMS, checksums

PREPARED, FILES, STATES = "prepared", "files", "states"
"""What the nodes of a cluster share: prepared sets and other files by their content, states by the training's identity."""


def is_stored(address: str) -> bool:
    """Return whether a folder is at an address."""
    with _opened(address) as (system, path):
        return bool(system.exists(f"{path}/{SUMS}"))


def put(folder: Path, address: str) -> None:
    """Put a folder at an address. It is there once the last of its files is, their checksums."""
    sums = checksums(folder)
    with _opened(address) as (system, path):
        for name in sums:
            target = f"{path}/{name}"
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.put_file(str(folder / name), target)
        system.pipe_file(f"{path}/{SUMS}", json.dumps(sums).encode())


def get(address: str, folder: Path) -> bool:
    """Replace a folder by what is at an address; return False if nothing is, or not all of it."""
    with _opened(address) as (system, path):
        if not system.exists(f"{path}/{SUMS}"):
            return False
        try:
            with folder_written_whole(folder) as draft:
                sums = json.loads(system.cat_file(f"{path}/{SUMS}"))
                for name in sums:
                    (draft / name).parent.mkdir(parents=True, exist_ok=True)
                    system.get_file(f"{path}/{name}", str(draft / name))
                if checksums(draft) != sums:
                    raise ValueError("cut")
        except (ValueError, FileNotFoundError):
            return False
    return True


def names(address: str) -> list[str]:
    """Return the names of the folders below an address, in order."""
    with _opened(address) as (system, path):
        return sorted(found.rpartition("/")[2] for found in system.ls(path, detail=False)) if system.exists(path) else []


def size(address: str) -> int:
    """Return the bytes of what is at an address."""
    with _opened(address) as (system, path):
        return int(system.du(path))


def remove(address: str) -> None:
    """Remove what is at an address, if anything is."""
    with _opened(address) as (system, path):
        if system.exists(path):
            system.rm(path, recursive=True)


def put_newest(folder: Path, address: str) -> None:
    """Put a folder below an address, in place of all that were put there before; until it is whole, these stay."""
    before = names(address)
    number = int(before[-1].partition("-")[0]) + 1 if before else 0
    # A node that the others have lost may still write.
    put(folder, f"{address}/{number:06d}-{secrets.token_hex(4)}")
    for stale in before:
        remove(f"{address}/{stale}")


def get_newest(address: str, folder: Path) -> bool:
    """Replace a folder by the last that was put below an address and is whole; return False if there is none."""
    return any(get(f"{address}/{name}", folder) for name in reversed(names(address)))


def stale(address: str, prepared: str) -> list[str]:
    """Return the addresses of all that the engine has put below an address, but for a prepared set."""
    found = [f"{part}/{name}" for part in (PREPARED, FILES, STATES) for name in names(f"{address}/{part}")]
    return [f"{address}/{place}" for place in found if place != f"{PREPARED}/{prepared}"]


@contextmanager
def _opened(address: str) -> Iterator[tuple[Any, str]]:
    """Yield the file system and the path of an address; raises InputError where it can't be reached."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
        system.invalidate_cache()
        yield system, path.rstrip("/")
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"params.yaml, runtime.storage: {address} cannot be used without another package: {error}",
            mend="install it here and on all nodes",
        ) from error
    # Each file system has errors of its own.
    except Exception as error:
        raise InputError(
            f"params.yaml, runtime.storage: {address} cannot be read or written: {type(error).__name__}: {error}",
            mend="correct the address, or give this machine and all nodes the rights",
        ) from error
