"""The bytes of a text file in UTF-8, whatever they are written in."""

import codecs
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.errors import InputError

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
LOOKED_AT = 4096
MOST_IN_A_ROW = 0.25
"""The share of bytes outside ASCII that begin three in a row: in Western languages they stand alone, elsewhere most do not."""
MOST_SIGNS = 0.03
"""The share of them that are signs in words or at their ends, as ³ and ¶ are where ł and ś were meant."""
SIGN_IN_WORD = re.compile(
    r"[^\W\d_][^\w\s’‘·–—…­-][^\W\d_]|[^\W\d_][¼½¾±¹¶¸¦¤¬¢¥£¨¯¿¡](?:.|\n)?|[^\w]?[¼½¾±¶¦¤¬¥£][^\W\d_]", re.DOTALL
)
ICELANDIC, WITH_ICELANDIC = set("þðýÞÐÝ"), set("áéíóúæÁÉÍÓÚÆ")
"""Letters that are Turkish ones in Windows-1254, and those that stand among them in Icelandic."""
WINDOWS = {byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def as_utf8(path: Path, data: bytes) -> tuple[bytes, list[str]]:
    """Return `data` in UTF-8 without a byte order mark, and a remark where a part of it is in Windows-1252.

    Raises InputError for NUL bytes, and for an encoding that cannot be worked out.
    """
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            data = data[len(mark) :]
            return (data, []) if encoding == "utf-8" and _is_utf8(data) else _western(path, data, encoding)
    if 0 in data:
        return _western(path, data, _unmarked(path, data))
    return (data, []) if _is_utf8(data) else _western(path, data, "utf-8")


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        pc.cast(pa.array([data], pa.large_binary()), pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _western(path: Path, data: bytes, encoding: str) -> tuple[bytes, list[str]]:
    """Decode bytes, and in UTF-8 each one that is not by Windows-1252."""
    if encoding != "utf-8":
        try:
            return data.decode(encoding).encode(), []
        except UnicodeError as error:
            raise InputError(f"{path} is not whole: it begins as {encoding}, and {error}", mend="fetch it again") from None
    wrong: list[int] = []

    def by_windows(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        wrong.append(error.start)
        return _letters(data[error.start : error.start + 1]), error.start + 1

    codecs.register_error("goldfold.windows-1252", by_windows)
    text = data.decode("utf-8", "goldfold.windows-1252")
    outside = np.flatnonzero(np.frombuffer(data, np.uint8) >= 0x80)
    if len(wrong) > len(outside) / 2:
        # Pairs of letters that happen to be one of UTF-8 are none.
        text, wrong = _letters(data), outside.tolist()
    row = data.count(b"\n", 0, wrong[0]) + 1
    if not _is_western(data, wrong):
        seen = _letters(data)[max(wrong[0] - 5, 0) : wrong[0] + 5].split("\n")[-1]
        raise InputError(
            f"{path} is not written in UTF-8, and its encoding is not clear: row {row}, {seen!r}",
            mend=f"save it as UTF-8: iconv -f ENCODING -t utf-8 {path.name} > utf8.csv, where ENCODING is cp1252 if the letters "
            "are right, else gb18030, shift-jis, euc-kr, cp1251, cp1250, …",
        )
    return text.encode(), [f"row {row} is not written in UTF-8; its letters were read as Windows-1252, {len(wrong)} in the file"]


def _letters(data: bytes) -> str:
    """Bytes as Windows-1252, those that it has no letter for as Latin-1."""
    return data.decode("latin-1").translate(WINDOWS)


def _is_western(data: bytes, outside: list[int]) -> bool:
    """Whether the bytes outside ASCII are letters of Western languages: rarely three in a row, and no signs in words."""
    there, text = set(outside), _letters(data)
    if sum(at + 1 in there and at + 2 in there for at in outside) > MOST_IN_A_ROW * len(outside):
        return False
    signs = sum(bool(SIGN_IN_WORD.fullmatch(text[max(at - 1, 0) : at + 2])) for at in outside)
    letters = {text[at] for at in outside}
    return signs <= MOST_SIGNS * len(outside) and not (letters & ICELANDIC and not letters & WITH_ICELANDIC)


def _unmarked(path: Path, data: bytes) -> str:
    """The UTF-16 that bytes with NULs evidently are: of plain letters every second byte is a NUL."""
    start = data[:LOOKED_AT]
    even, odd = start[::2].count(0) / len(start), start[1::2].count(0) / len(start)
    if odd > 0.3 and even < 0.05:
        return "utf-16-le"
    if even > 0.3 and odd < 0.05:
        return "utf-16-be"
    at = data.index(0)
    raise InputError(
        f"{path} holds NUL bytes, the first in row {data.count(10, 0, at) + 1}",
        mend="fetch it again; it is no text file, or was damaged",
    )
