"""Working out what the columns of a table are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Decision
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.modalities.table.settings import Kind

ALMOST_ALL_DIFFERENT = 0.9
MOST_JUNK, FEW_NUMBERS = 0.05, 20
"""The share of values that are no numbers, and the different numbers, up to which a column of texts is no column of numbers."""
GIVEN, WITH_JUNK = "as params.yaml says", "numbers, but for"
SENTENCE = 3.0
"""Words in a value, on average, from which texts are no names of categories."""
TRUTHS = {"true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0}


@dataclass(frozen=True)
class Column:
    """A column, what it is, and why."""

    name: str
    kind: Kind
    why: str


def work_out_columns(competition: Competition, given: Mapping[str, Kind]) -> list[Column]:
    """The columns that training and test table share, but targets and ids; `given` names kinds that are not worked out.

    Raises InputError for a given column that is not there, and where none is left.
    """
    train, test, problem = competition.train, competition.test, competition.problem
    unknown = [name for name in given if name not in train]
    if unknown:
        raise InputError(
            f"params.yaml, prepare.columns: there is no column {unknown[0]}{nearest(unknown[0], list(train.columns))}",
            mend=f"the training table has {', '.join(train.columns[:30])}",
        )
    columns = []
    for name in train.columns:
        if name in problem.targets:
            continue
        if name not in test:
            columns.append(Column(name, "drop", "the test table does not have it"))
        elif name in given:
            _require_kind(train[name], given[name])
            columns.append(Column(name, given[name], GIVEN))
        else:
            columns.append(Column(name, *_kind(train[name], name == problem.id)))
    if all(column.kind == "drop" for column in columns):
        raise InputError(
            "the tables share no column to learn from",
            [f"{column.name}: {column.why}" for column in columns],
            "name the kinds of the right ones in prepare.columns",
        )
    return columns


def _require_kind(values: pd.Series, kind: Kind) -> None:
    """Raise InputError where no value of a column is of the kind that params.yaml gives it."""
    known = values.dropna()
    read = {"number": numbers_of, "date": dates_of}.get(kind)
    if read is not None and len(known) and read(known).isna().all():
        raise InputError(
            f"params.yaml, prepare.columns: no value of {values.name} is a {kind}",
            [f"{values.name} holds {', '.join(map(str, known.unique()[:5]))}"],
            f"leave {values.name} out there, or call it category or drop",
        )


def _kind(values: pd.Series, is_id: bool) -> tuple[Kind, str]:
    """What a column of the training table is, and why."""
    known = values.dropna()
    distinct = known.nunique()
    if is_id:
        return ("date", "the id is a date") if is_date(known) else ("drop", "it is the id")
    if distinct <= 1:
        return "drop", "all values are the same"
    if pd.api.types.is_bool_dtype(known) or set(known.astype("str").str.lower()) <= set(TRUTHS):
        return "number", "yes or no"
    if pd.api.types.is_numeric_dtype(known):
        counts = pd.api.types.is_integer_dtype(known) and distinct == len(values) == known.max() - known.min() + 1
        return ("drop", "it counts the rows") if counts else ("number", "numbers")
    numbers = numbers_of(known)
    junk = known[numbers.isna()]
    if len(junk) <= MOST_JUNK * len(known) and numbers.nunique() > FEW_NUMBERS:
        return "number", f"{WITH_JUNK} {len(junk)} that are taken as missing, such as {junk.iloc[0]!r}"
    if is_date(known):
        return "date", "dates"
    words = (known.astype("str").str.count(r"\s+") + 1).mean()
    if distinct > ALMOST_ALL_DIFFERENT * len(known):
        return "drop", "free text (competition.modality: text reads it)" if words >= SENTENCE else "nearly every row has its own"
    return "category", f"{distinct} different texts"


def is_date(values: pd.Series) -> bool:
    """Whether nearly all values are written as dates."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return True
    if pd.api.types.is_numeric_dtype(values) or values.empty:
        return False
    texts = values.astype("str")
    # A number alone is no date, though pandas would read it as one.
    if not texts.head(1000).str.contains(r"\d{1,4}[-/.:]\d{1,2}", regex=True).mean() > ALMOST_ALL_DIFFERENT:
        return False
    return bool(pd.to_datetime(texts, errors="coerce", format="mixed").notna().mean() > ALMOST_ALL_DIFFERENT)


def numbers_of(values: pd.Series) -> pd.Series:
    """The values as float64; missing where one is no finite number, nor true or false in words."""
    if not pd.api.types.is_numeric_dtype(values):
        texts = values.astype("str").str.strip().str.lower()
        values = texts.map(TRUTHS).fillna(pd.to_numeric(texts, errors="coerce"))
    return values.astype("float64").replace([np.inf, -np.inf], np.nan)


def dates_of(values: pd.Series) -> pd.Series:
    """The values as moments in UTC; missing where one is no date."""
    return pd.to_datetime(values, errors="coerce", format="mixed", utc=True)


def told(columns: Sequence[Column]) -> str:
    """How many columns there are of each kind."""
    counts = pd.Series([column.kind for column in columns]).value_counts()
    names = {"number": "numbers", "category": "categories", "date": "dates", "drop": "left out"}
    return "columns: " + ", ".join(f"{counts[kind]} {name}" for kind, name in names.items() if kind in counts)


def decisions(columns: Sequence[Column]) -> tuple[Decision, ...]:
    """A line for each kind and reason, with the columns' names."""
    groups: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        told_why = column.kind == "drop" or column.why == GIVEN or column.why.startswith(WITH_JUNK)
        groups.setdefault((column.kind, column.why if told_why else ""), []).append(column.name)
    return tuple(
        Decision(f"columns: {'left out' if kind == 'drop' else kind}", ", ".join(names), why or "by their values")
        for (kind, why), names in groups.items()
    )
