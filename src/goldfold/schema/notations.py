"""Numbers that are no decimal ones: 0x1F, 1/2, 3 1/2, 1½."""

import unicodedata

import numpy as np
import pandas as pd

from goldfold.metrics import Array

HEXADECIMAL = r"^(-?0[xX][0-9a-fA-F]{1,13})$"
"""Up to 52 bits, which float64 holds."""
FRACTION = r"^(?P<sign>[-−]?)(?P<whole>[0-9]+(?![0-9/]))?\s*(?:(?P<part>[0-9]+)/(?P<of>[0-9]+))?$"
USUAL_PARTS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 64, 100)
"""What whole things are divided into; 120/80 and 3/17 are pairs of numbers."""
VULGAR = str.maketrans(
    {
        chr(code): " " + unicodedata.normalize("NFKD", chr(code)).replace("⁄", "/")
        for code in (*range(0xBC, 0xBF), *range(0x2150, 0x215F))
    }
)


def notation_of(cells: pd.Series, given: bool = False) -> str:
    """Return the notation in which all distinct cells are numbers, hexadecimal or fraction; an empty text where there is none.

    Fractions stand beside whole numbers, 3 1/2, or are all less than 1; 5/2 alone may be a pair, unless numbers are `given`.

    >>> notation_of(pd.Series(["0x1F", "0xa"])), notation_of(pd.Series(["1/2", "3 1/4"])), notation_of(pd.Series(["5/2", "7/4"]))
    ('hexadecimal', 'fraction', '')
    """
    if cells.str.fullmatch(HEXADECIMAL).all():
        return "hexadecimal"
    parts = _fractions(cells)
    if not np.isfinite(read_notation(cells, "fraction")).all() or parts["of"].isna().all():
        return ""
    divided = parts[parts["of"].notna()]
    is_usual = pd.to_numeric(divided["of"]).isin(USUAL_PARTS).all()
    is_less = (pd.to_numeric(divided["part"]) < pd.to_numeric(divided["of"])).all()
    return "fraction" if given or (is_usual and (is_less or divided["whole"].notna().any())) else ""


def read_notation(cells: pd.Series, notation: str) -> Array:
    """Read cells as (n,) float64 in a notation, NaN where one is written otherwise.

    >>> read_notation(pd.Series(["1½", "3/4", "2"]), "fraction").tolist()
    [1.5, 0.75, 2.0]
    """
    if notation == "hexadecimal":
        digits = cells.str.extract(HEXADECIMAL)[0]
        return np.asarray([int(one, 16) if isinstance(one, str) else np.nan for one in digits], np.float64)
    parts = _fractions(cells)
    whole, part, of = (pd.to_numeric(parts[name] + ".0").to_numpy(np.float64) for name in ("whole", "part", "of"))
    is_number = np.isfinite(whole) | (of > 0)
    value = np.nan_to_num(whole) + np.where(of > 0, np.nan_to_num(part) / np.where(of > 0, of, 1), 0)
    value = np.where(parts["sign"].isin(["-", "−"]), -value, value)
    return np.where(is_number & ~(of == 0), value, np.nan)


def _fractions(cells: pd.Series) -> pd.DataFrame:
    return cells.str.translate(VULGAR).str.strip().str.extract(FRACTION)
