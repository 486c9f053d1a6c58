"""Numbers as people write them: 1,234.50, 1.234,50, $12, 5 km, 12 %, (3), <0.5, 12-."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.metrics import Array
from goldfold.schema.notations import notation_of, read_notation

CURRENCY = (
    r"US\$|R\$|A\$|C\$|Rs\.?|[$€£¥₹₽₩₺฿₫₪₴]|(?:USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|CNY|BRL|RUB|KRW|PLN|SEK|NOK|DKK|CZK|TRY|ZAR|MXN)"
)
SPACES = r"[ \u00a0\u2009\u202f]"
NUMBER = (
    rf"^(?P<bound>[<>≤≥~]?=?){SPACES}*(?P<sign>[-+−(]?){SPACES}*(?P<before>{CURRENCY})?{SPACES}*(?P<inner>[-+−]?)"
    rf"(?P<digits>\d(?:[\d.,'’ \u00a0\u2009\u202f]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][-+]?\d+)?"
    rf"(?:(?<![.,]){SPACES}*(?P<magnitude>(?:[kKMB]|bn|mn)(?![^\W\d_]))?{SPACES}*(?P<after>[^\d\s.,()+-][^\d()]{{0,11}}?)?)?(?P<behind>[-+]?)\)?$"
)
ZEROS = "٠۰०০๐０"
"""The zeros of Arabic, Persian, Hindi, Bengali, Thai and of full width; the digits follow them."""
IN_ASCII = str.maketrans({chr(ord(zero) + digit): str(digit) for zero in ZEROS for digit in range(10)}) | str.maketrans(
    "٫٬．，％－–", ".,.,%--"
)
ORDINALS = ("st", "nd", "rd", "th")
MAGNITUDES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9}
LIMITS = {
    r"^(?:over|more than|greater than|above|at least|min\.?) +(?=\d)": ">",
    r"^(?:under|less than|fewer than|below|at most|up to|max\.?) +(?=\d)": "<",
    r"(?<=\d) +(?:or|and|&) +(?:more|older|over|above|greater|higher|up)$|(?<=\d) ?plus$": "+",
    r"^(\d\S*) +(?:or|and|&) +(?:less|fewer|younger|under|below|lower)$": r"<\1",
}
"""What limits are called in words."""
WHOLE = 2.0**53
"""Whole numbers beyond it are not exact in float64, and are codes."""
NEARLY_ALL = 0.95
FEW_MARKED, FEW_PLAIN, SAMPLED = 3, 20, 1000
MARKS = ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
"""Decimal and thousands marks that are written together."""


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of one column are written: their marks, and what stands around them.

    `magnitudes` are those that stand behind some, such as "K M": 12K is 12,000. `marks` are what some have around them: <, >, ≤,
    ≥ or ~ before a limit, which is read as itself, + behind one (90+), and - behind a negative number (12-). A `notation`,
    hexadecimal or fraction, takes the place of all these.
    """

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""
    magnitudes: str = ""
    marks: str = ""
    notation: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "NumberFormat":
        """Rebuild what `to_json` gave."""
        return cls(**value)

    def to_json(self) -> dict[str, str]:
        """What differs from a plain number."""
        plain = asdict(NumberFormat())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def __str__(self) -> str:
        if self.notation:
            return "as hexadecimal ones" if self.notation == "hexadecimal" else "as fractions"
        number = f"1{self.thousands}234{self.decimal}5" if self.thousands else f"12{self.decimal}5"
        magnitudes = f", {self.magnitudes.replace(' ', ' or ')} for thousands and more" if self.magnitudes else ""
        behind = ", negative with - behind" if "-" in self.marks else ""
        limits = f", limits ({' '.join(self.marks.replace('-', ''))}) as the number itself" if self.marks.replace("-", "") else ""
        return f"as {self.before}{number}{' ' * bool(self.after)}{self.after}{magnitudes}{behind}{limits}"


def plain_numbers(cells: pa.Array | pa.ChunkedArray) -> Array | None:
    """Read cells that are all plain numbers, such as 12, -0.5 or 1e3, as (n,) float64; None where one is not."""
    try:
        return np.asarray(pc.cast(cells, pa.float64()))
    except pa.ArrowInvalid:
        return None


def read_numbers(cells: pa.Array, format: NumberFormat) -> Array:
    """Read stripped cells as (n,) float64, NaN where one is not a finite number written in this format.

    >>> read_numbers(pa.array(["1.234,50", "7", "none"]), NumberFormat(decimal=",", thousands=".")).tolist()
    [1234.5, 7.0, nan]
    """
    if format.notation:
        return read_notation(pd.Series(cells.to_pandas().astype("str")), format.notation)
    values = plain_numbers(cells) if format.decimal == "." else None
    if values is None:
        values = _parsed(_parts(cells), format)
    return np.where(np.isfinite(values), values, np.nan)


def number_format(cells: pa.Array, given: bool = False) -> tuple[NumberFormat, Array] | None:
    """Work out the format in which most of these distinct, stripped cells are numbers; with their values, as `read_numbers`.

    `given` says that they are numbers. Where 1,234 can be read in two ways, the other cells decide: a number from 1000 up without
    a mark says that the mark is the decimal one.
    """
    texts = pd.Series(cells.to_pandas().astype("str"))
    if notation := notation_of(texts, given):
        return NumberFormat(notation=notation), read_notation(texts, notation)
    parts = _parts(cells)
    written = parts["digits"].notna()
    if not written.any():
        return None
    units = {name: _only(parts.loc[written, name]) for name in ("before", "after")}
    if None in units.values():
        return None
    around = {name: str(unit) for name, unit in units.items()}
    around["magnitudes"] = " ".join(sorted(parts.loc[written, "magnitude"].dropna().unique()))
    digits = parts.loc[written, "digits"]
    around["marks"] = _marks_beside(parts[written])
    best: tuple[int, NumberFormat, Array] | None = None
    for decimal, thousands in ((".", ""), (",", ""), *MARKS):
        if thousands and not digits.str.contains(rf"\d[{_class(thousands)}]\d", regex=True).any():
            continue
        if (decimal, thousands) == (",", "") and not digits.str.contains(",", regex=False).any():
            continue
        format = NumberFormat(decimal, thousands, **around)
        values = _parsed(parts, format)
        count = int(np.isfinite(values).sum()) - (not thousands and _are_thousands(digits, decimal))
        if best is None or count > best[0]:
            best = (count, format, values)
    if best is None or not best[0]:
        return None
    return best[1], best[2]


def _marks_beside(parts: pd.DataFrame) -> str:
    """The marks of limits and the minus behind, where they stand at fewer of many different numbers: >50K and <50K are names."""
    marks = parts["bound"].str[:1] + parts["behind"]
    plain = parts.loc[marks == "", "digits"]
    if plain.nunique() <= FEW_PLAIN or len(plain) < (marks != "").sum():
        return ""
    return "".join(sorted(set("".join(marks))))


def canonical(values: Array) -> pd.Series:
    """Write numbers as texts, whole ones without a point; empty for NaN.

    >>> canonical(np.array([1.0, 0.5, np.nan])).tolist()
    ['1', '0.5', '']
    """
    whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < WHOLE)
    texts = pd.Series(values).map(repr).astype("str")
    texts[whole] = pd.Series(values[whole].astype(np.int64)).astype("str").to_numpy()
    return texts.where(~np.isnan(values), "")


def _parts(cells: pa.Array) -> pd.DataFrame:
    """The parts of each cell by NUMBER; missing where it is not written as a number."""
    texts = pd.Series(cells.to_pandas().astype("str"))
    if not pc.all(pc.string_is_ascii(cells)).as_py():
        texts = texts.str.translate(IN_ASCII)
    if pc.any(pc.match_substring_regex(cells, r"[A-Za-z] +[0-9]|[0-9] +[A-Za-z]+ |plus")).as_py():
        for words, mark in LIMITS.items():
            texts = texts.str.replace(words, mark, regex=True, flags=re.IGNORECASE)
    return texts.str.extract(NUMBER).assign(closed=texts.str.endswith(")"))


def units_of(cells: pa.Array) -> list[str]:
    """Return the different units of cells of which most are numbers, the commonest first; none where most are no numbers."""
    parts = _parts(cells)
    written = parts[parts["digits"].notna()]
    units = written["before"].fillna("") + written["after"].fillna("").str.strip().str.casefold()
    return [] if 2 * len(written) <= len(parts) or units.isin(ORDINALS).all() else units.value_counts().index.tolist()


def _only(units: pd.Series) -> str | None:
    """The unit that nearly all cells have in any case, the empty one where they have none; None where they differ."""
    written = units.fillna("").str.strip()
    shares = written.str.casefold().value_counts(normalize=True)
    if shares.iloc[0] < NEARLY_ALL:
        return None
    return str(written[written.str.casefold() == shares.index[0]].value_counts().index[0])


def _class(mark: str) -> str:
    return {" ": r" \u00a0\u2009\u202f", "'": "'’"}.get(mark, rf"\{mark}" if mark else "")


def _are_thousands(digits: pd.Series, mark: str) -> bool:
    """Whether marks are as thousands marks are: three digits behind each, and no number from 1000 up without one.

    Points are decimal ones unless there are also numbers without one, which a program that writes three decimals leaves none.
    """
    marked = digits.str.contains(mark, regex=False)
    grouped = digits[marked].str.fullmatch(rf"[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+")
    bare = digits[~marked]
    mixed = mark == "," or (len(bare) > 0 and int(marked.sum()) >= FEW_MARKED)
    return bool(marked.any() and grouped.all() and mixed and not bare.str.fullmatch(r"\d{4,}(?:\.\d*)?").any())


def points_are_thousands(cells: pa.Array) -> bool:
    """Return whether the points of plain numbers are thousands marks, as in 800 and 1.137."""
    head = cells.slice(0, SAMPLED).to_pandas().astype("str")
    return _are_thousands(head, ".") and _are_thousands(cells.to_pandas().astype("str"), ".")


def _parsed(parts: pd.DataFrame, format: NumberFormat) -> Array:
    """The values of cells in a format, NaN for those in another."""
    mark, decimal = _class(format.thousands), _class(format.decimal)
    grouped = rf"|[1-9]\d{{0,2}}(?:[{mark}]\d{{2,3}})*[{mark}]\d{{3}}" if mark else ""
    digits = parts["digits"]
    # An exponent has no unit, and the sign stands before the unit, behind it, or as brackets.
    fits = digits.str.fullmatch(rf"(?:\d+{grouped})?(?:{decimal}\d*)?").fillna(False).astype(bool)
    fits &= parts["before"].fillna("").eq(format.before) & parts["after"].fillna("").str.strip().str.casefold().eq(
        format.after.casefold()
    )
    fits &= (parts["bound"].fillna("").str[:1] + parts["behind"].fillna("")).isin(["", *format.marks])
    fits &= parts["behind"].ne("-") | parts["sign"].eq("")
    magnitudes = parts["magnitude"].fillna("")
    fits &= magnitudes.isin(["", *format.magnitudes.split()]) & ((magnitudes == "") | parts["exponent"].isna())
    if mark:
        # What has an exponent is not grouped: -2,556e-05 is -0.00002556.
        fits &= parts["exponent"].isna() | ~digits.str.contains(rf"[{mark}]", regex=True).fillna(False).astype(bool)
    fits &= (parts["sign"] == "(") == parts["closed"]
    fits &= ~(parts["sign"].isin(["-", "+", "−"]) & parts["inner"].fillna("").ne(""))
    values = np.full(len(parts), np.nan)
    if not fits.any():
        return values
    texts = digits[fits]
    if mark:
        texts = texts.str.replace(rf"[{mark}]", "", regex=True)
    texts = texts.str.replace(format.decimal, ".", regex=False) + parts.loc[fits, "exponent"].fillna("")
    negative = parts.loc[fits, "sign"].isin(["-", "−", "("]) | parts.loc[fits, "inner"].isin(["-", "−"])
    negative |= parts.loc[fits, "behind"].eq("-")
    values[fits.to_numpy()] = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64) * np.where(negative, -1, 1)
    if format.magnitudes:
        values *= magnitudes.map(MAGNITUDES).to_numpy(np.float64)
    return values
