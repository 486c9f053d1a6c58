"""Files as they are inside their compression."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from goldfold.errors import InputError

PACKED = (".zip", ".gz", ".xz", ".bz2", ".zst")
DEEPEST = 3
OFFICE = "[Content_Types].xml"
"""The member that makes a zip file a workbook."""


def unpacked(path: Path, most: int = -1) -> tuple[str, bytes]:
    """Return a file's own name and its bytes, the first `most` of them, out of any compression that its bytes show.

    Raises InputError for a file that is not there, damaged, or under a password, and for an archive of several files.
    """
    try:
        with path.open("rb") as file:
            name, stream = path.name, file
            for _ in range(DEEPEST):
                name, stream = _inside(path, name, stream)
            return name, stream.read(most)
    except RuntimeError as error:
        raise InputError(f"{path} cannot be unpacked: {error}", mend="unpack it by hand, with its password or by 7z") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, pa.ArrowException) as error:
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
