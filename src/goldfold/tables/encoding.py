"""The bytes of a text file in UTF-8, whatever they are written in."""

import codecs
import re
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.errors import InputError, QuestionError, Reply

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
LOOKED_AT = 4096
ACCENTS = re.compile(r"[^\x00-\x7f]{3,}")
MOST_IN_A_ROW = 0.25
"""The share of bytes outside ASCII that begin three in a row: in Western languages they stand alone, elsewhere most do not."""
MOST_SIGNS = 0.03
"""The share of them that are signs in words or at their ends, as ³ and ¶ are where ł and ś were meant."""
SIGN_IN_WORD = re.compile(
    r"[^\W\d_][^\w\s’‘·–—…­-][^\W\d_]|[^\W\d_][¼½¾±¹¶¸¦¤¬¢¥£¨¯¿¡](?:.|\n)?|[^\w]?[¼½¾±¶¦¤¬¥£][^\W\d_]", re.DOTALL
)
ICELANDIC, WITH_ICELANDIC = set("þðýÞÐÝ"), set("áéíóúæÁÉÍÓÚÆ")
"""Letters that are Turkish ones in Windows-1254, and those that stand among them in Icelandic."""
ALPHABETS = (
    *("cp1250", "cp1254", "iso8859-2", "cp1251", "koi8-r", "cp1253", "cp1255", "cp1256", "cp1257", "mac-roman"),
    *("euc-kr", "shift-jis", "euc-jp", "gb18030", "big5", "cp874", "cp866", "cp1252"),
)
"""The encodings that a question may be answered by."""
CHOICES, SHOWN, SAMPLE = 4, 30, 2**16
COMMON = {
    "euc-kr": ("euc_kr", range(0xB0, 0xC9)),
    "shift-jis": ("euc_jp", range(0xA1, 0xD0)),
    "euc-jp": ("euc_jp", range(0xA1, 0xD0)),
    "gb18030": ("gb2312", range(0xA1, 0xD8)),
    "big5": ("big5", range(0xA1, 0xC7)),
}
"""The sets of characters that encodings write, and the lead bytes of the common ones: a wrong encoding makes rare ones."""
KANA = re.compile(r"[\u3041-\u30ff]")
WINDOWS = {byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def as_utf8(path: Path, data: bytes, encoding: str | None = None, whole: bool = True) -> tuple[bytes, list[str]]:
    """Return `data` in UTF-8 without a byte order mark, and a remark where it, or a part of it, is in another encoding.

    Without a mark, bytes that are no UTF-8 are in `encoding`; where that is None, it is worked out. Bytes that are not the
    `whole` file may end within a letter, which is left out. Raises InputError for NUL bytes, and for bytes that are not in the
    encoding, and QuestionError for an encoding that cannot be worked out.
    """
    for mark, marked in MARKS.items():
        if data.startswith(mark):
            data = data[len(mark) :]
            return (data, []) if marked == "utf-8" and _is_utf8(data) else _western(path, data, marked, whole)
    if 0 not in data and _is_utf8(data):
        return data, []
    if encoding:
        return _stated(path, data, encoding, whole), [
            f"it is not written in UTF-8; it was read as {encoding}, as params.yaml says"
        ]
    if 0 in data:
        return _western(path, data, _unmarked(path, data), whole)
    return _western(path, data, "utf-8", whole)


def _decoded(data: bytes, encoding: str, whole: bool) -> bytes:
    return codecs.getincrementaldecoder(encoding)().decode(data, final=whole).encode()


def _stated(path: Path, data: bytes, encoding: str, whole: bool) -> bytes:
    try:
        return _decoded(data, encoding, whole)
    except (UnicodeError, LookupError) as error:
        at = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise InputError(
            f"competition.encoding: {path} is not written in {encoding}: row {data.count(10, 0, at) + 1}, {data[at : at + 10]!r}",
            mend="name another encoding, or leave it out",
        ) from None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        pc.cast(pa.array([data], pa.large_binary()), pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _western(path: Path, data: bytes, encoding: str, whole: bool) -> tuple[bytes, list[str]]:
    """Decode bytes, and in UTF-8 each one that is not by Windows-1252."""
    if encoding != "utf-8":
        try:
            return _decoded(data, encoding, whole), []
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
        raise QuestionError(
            f"{path} is not written in UTF-8, and its encoding is not clear. Which letters are right, as in its row {row}? (Any "
            "encoding that Python knows can be named; or save the file as UTF-8)",
            [Reply("encoding", name, shown) for name, shown in _readings(data, wrong[0])],
        )
    read = f"its letters were read as Windows-1252, {len(wrong)} in the file (competition.encoding names another)"
    return text.encode(), [f"row {row} is not written in UTF-8; {read}"]


def _readings(data: bytes, at: int) -> list[tuple[str, str]]:
    """The likeliest of ALPHABETS for bytes, and what stands around the place `at` in each.

    A likely one makes letters of most bytes outside ASCII, of one script; in Latin ones letters with accents stand alone, in
    others no capital is behind a small one, and the characters of Chinese, Japanese and Korean are common ones.
    """
    row, begin = data.count(10, 0, at) + 1, data.rfind(b"\n", 0, at) + 1
    lines = data[begin : data.rfind(b"\n", at, begin + SAMPLE) + 1 or None]
    readings: list[tuple[float, str, str]] = []
    for name in ALPHABETS:
        try:
            text = lines.decode(name)
        except UnicodeError:
            continue
        readings.append((_likelihood(text, name), name, _around(text.split("\n")[0])))
    best = sorted(readings, key=lambda reading: -reading[0])[:CHOICES]
    return [(name, f"row {row} reads {seen!r}") for _, name, seen in best]


def _around(line: str) -> str:
    """The part of a line from shortly before its first letter outside ASCII."""
    at = next((at for at, letter in enumerate(line) if not letter.isascii()), 0)
    return line[max(at - SHOWN // 3, 0) :][:SHOWN].strip()


def _likelihood(text: str, encoding: str) -> float:
    outside = [letter for letter in text if not letter.isascii()]
    if encoding in COMMON:
        lacks_kana = COMMON[encoding][0] == "euc_jp" and not KANA.search(text)
        return round(sum(_is_common(letter, *COMMON[encoding]) for letter in outside) / len(outside) - lacks_kana / 2, 1)
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in outside if letter.isalpha())
    script, count = scripts.most_common(1)[0] if scripts else ("", 0)
    odd = ACCENTS.findall(text) if script == "LATIN" else []
    capitals = sum(before.islower() and letter.isupper() for before, letter in pairwise(text))
    return round((count - sum(map(len, odd)) - capitals) / len(outside), 1)


def _is_common(letter: str, characters: str, leads: range) -> bool:
    try:
        return letter.encode(characters)[0] in leads
    except UnicodeError:
        return False


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
        mend="fetch it again, as it is no text file, or was damaged; or name its encoding in competition.encoding, utf-16-le",
    )
