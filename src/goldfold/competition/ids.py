"""Ids that two files spell differently: 61 and 61.0, test_61, 00061, a1 and a1.jpg."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition.file_kind import endings
from goldfold.competition.spelling import shared_end, shared_start
from goldfold.errors import InputError
from goldfold.schema.numbers import canonical

Spelling = Callable[[pd.Series], pd.Series]
SHOWN = 3


def as_asked(ids: pd.Series, asked: pd.Series, path: Path) -> tuple[pd.Series, str]:
    """Return a table's ids as the sample submission spells them, and what was bridged, empty where nothing was.

    Ids are matched exactly, else by the first spelling under which both sides are the same, and which keeps them distinct.
    Raises InputError where there is none.
    """
    ours, theirs = ids.drop_duplicates(), asked.drop_duplicates()
    if set(ours) == set(theirs):
        return ids, ""
    one, other = ours, theirs
    for spelling in SPELLINGS:
        one, other = spelling(one), spelling(other)
        if one.is_unique and other.is_unique and set(one) == set(other):
            spelled = dict(zip(ours, one.map(dict(zip(other, theirs, strict=True))), strict=True))
            differing = next(mine for mine, yours in spelled.items() if mine != yours)
            return ids.map(spelled), f"{differing!r} is {spelled[differing]!r} there"
    raise _unlike(ours, theirs, path)


def as_among(ids: pd.Series, asked: pd.Series) -> pd.Series | None:
    """Return ids as they are spelled among those that are `asked`, of which they may be a part or hold more; None where neither.

    Ids are compared as in `as_asked`.
    """
    ours, theirs = ids.drop_duplicates(), asked.drop_duplicates()
    one, other = ours, theirs
    for spelling in (lambda same: same, *SPELLINGS):
        one, other = spelling(one), spelling(other)
        if one.is_unique and other.is_unique and (set(one) <= set(other) or set(one) >= set(other)):
            spelled = one.map(dict(zip(other, theirs, strict=True)))
            return ids.map(dict(zip(ours, spelled.fillna(ours), strict=True))).astype("str")
    return None


def require_same_ids(asked: pd.Series, shipped: pd.Series, path: Path) -> None:
    """Raise InputError for ids that only the sample submission has, or only the table in `path`."""
    if set(asked) != set(shipped):
        raise _unlike(shipped, asked, path)


def _unlike(ids: pd.Series, asked: pd.Series, path: Path) -> InputError:
    missing, unasked = sorted(set(asked) - set(ids)), sorted(set(ids) - set(asked))
    sides = f"{path.name} has {_some(ids)}; the sample submission has {_some(asked)}"
    return InputError(
        f"{path} and the sample submission differ in {len(missing) + len(unasked)} ids",
        [sides, *(f"{i} is in the sample submission only" for i in missing), *(f"{i} is in {path.name} only" for i in unasked)],
        "complete the shorter one, or name the right files in competition.test and sample_submission",
    )


def _some(ids: pd.Series) -> str:
    return ", ".join(map(repr, ids.head(SHOWN))) + " …" * (len(ids) > SHOWN)


def _without_spaces(ids: pd.Series) -> pd.Series:
    return ids.str.strip()


def _without_ending(ids: pd.Series) -> pd.Series:
    return ids.map(lambda name: Path(name).stem if Path(name).suffix.lower() in endings() else name).astype("str")


def _without_affixes(ids: pd.Series) -> pd.Series:
    """Without the words that all ids begin or end with, such as test_; digits are never taken from them."""
    before = re.match(r".*[^\d.+-]|", shared_start(ids.tolist()))
    bare = ids.str.slice(len(before[0]) if before else 0)
    after = re.search(r"[^\d.+-].*$|$", shared_end(bare.tolist()))
    return bare.str.slice(0, -len(after[0]) or None) if after else bare


def _as_numbers(ids: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(ids, errors="coerce").to_numpy(np.float64)
    written = canonical(numbers).set_axis(ids.index)
    return written.where(np.isfinite(numbers), ids)


def _without_case(ids: pd.Series) -> pd.Series:
    return ids.str.casefold()


SPELLINGS: Sequence[Spelling] = (_without_spaces, _without_ending, _as_numbers, _without_affixes, _as_numbers, _without_case)
"""What may differ between two files' ids, tried one on top of the other."""
