"""Files as they are inside their compression."""

import bz2
import errno
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from goldfold.errors import InputError

PACKED = (".zip", ".gz", ".xz", ".bz2", ".zst")
DEEPEST = 3
SMALL, RATIO = 2**28, 250
"""A packed file may become SMALL bytes, or RATIO times its size; tables of zeros and ones reach a hundred."""
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, pa.ArrowException, struct.error, ValueError, LookupError)
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""What is wrong with the disk rather than with the file."""
OFFICE = "[Content_Types].xml"
"""The member that makes a zip file a workbook."""


def unpacked(path: Path, most: int = -1) -> tuple[str, bytes]:
    """Return a file's own name and its bytes, the first `most` of them, out of any compression that its bytes show.

    Raises InputError for a file that is not there, damaged, or under a password, for an archive of several files, and for one
    that would fill the memory.
    """
    with told_of(path), path.open("rb") as file:
        name, stream = path.name, file
        for _ in range(DEEPEST):
            name, stream = _inside(path, name, stream)
        if stream is file or most >= 0:
            return name, stream.read(most)
        allowed = most_unpacked(path.stat().st_size)
        data = stream.read(allowed + 1)
        if len(data) > allowed:
            raise too_large(path)
        return name, data


def most_unpacked(packed: int) -> int:
    """How many bytes so many packed ones may become."""
    return max(SMALL, RATIO * packed)


def too_large(path: Path) -> InputError:
    """The error for a file that unpacks to too many bytes."""
    return InputError(
        f"{path} unpacks to more than {RATIO} times its size, which no table or image does",
        mend="look at it; unpack it by hand where it is what it should be",
    )


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Turn what the libraries of archives raise into an InputError for people."""
    try:
        yield
    except InputError:
        raise
    except RuntimeError as error:
        raise InputError(f"{path} cannot be unpacked: {error}", mend="unpack it by hand, with its password or by 7z") from None
    except OSError as error:
        if error.errno in DISK:
            raise
        raise InputError(f"{path} is damaged, or holds names that cannot be files here: {error}", mend="fetch it again") from None
    except DAMAGED as error:
        raise InputError(f"{path} is damaged, or not whole: {error}", mend="fetch it again") from None


def _inside(path: Path, name: str, stream: IO[bytes]) -> tuple[str, Any]:
    """The name and bytes in a stream's compression, or the stream itself where it has none."""
    start = stream.peek(10)  # type: ignore[attr-defined]
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _member(path, name, stream)
    for magic, opened in OPENED.items():
        if start.startswith(magic):
            return _without_ending(name), io.BufferedReader(opened(stream))
    return name, stream


def _member(path: Path, name: str, stream: IO[bytes]) -> tuple[str, Any]:
    data = stream.read()
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [member.filename for member in archive.infolist() if not member.is_dir()]
    if OFFICE in names:
        return name, io.BufferedReader(io.BytesIO(data))
    members = [member for member in names if not any(part.startswith((".", "__MACOSX")) for part in Path(member).parts)]
    if len(members) != 1:
        raise InputError(
            f"{path} holds {len(members)} files, and a packed table is one",
            members,
            "unpack it, and name the table that is meant",
        )
    return Path(members[0]).name, io.BufferedReader(archive.open(members[0]))


def _without_ending(name: str) -> str:
    return name[: -len(Path(name).suffix)] if name.lower().endswith(PACKED) else name


OPENED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh91AY&SY": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda stream: pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd"),
}
