"""What is tried: entries of prepare.features that fit the columns of a competition. No label is read to choose them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from goldfold.config.recipe import parse_yaml
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.modalities.table.columns import GIVEN
from goldfold.modalities.table.features.entries import KINDS
from goldfold.modalities.table.features.entry import together
from goldfold.modalities.table.features.steps import frame_of
from goldfold.modalities.table.prepare import features_of
from goldfold.prepare import PreparedSet

Tree = Mapping[str, Any]
MOST_VALUES = 100
"""The most values of a column that is paired with others, or whose equal values are a group."""
PAIRED, NUMBERS, GROUPS = 8, 6, 3
"""How many columns are paired with each other, how many numbers, and how many columns are groups of numbers."""
TURNING = ("month", "weekday", "hour")
"""The parts of dates that are paired with others."""


@dataclass(frozen=True)
class Candidate:
    """What is tried at once: entries as params.yaml holds them, of which the later ones may be made of the first."""

    name: str
    entries: tuple[Tree, ...]


@dataclass(frozen=True)
class _Columns:
    """The columns by what can be made of them: categories, numbers and dates that the model reads, texts that it does not, and
    those with few values, `keys`, evenest first; `whole` are the numbers among these."""

    categories: list[str]
    numbers: list[str]
    dates: list[str]
    texts: list[str]
    keys: list[str]
    whole: list[str]


def default_candidates(prepared: PreparedSet) -> list[Candidate]:
    """Return what is tried of a competition's columns by default."""
    return [Candidate(name, tuple(entries)) for name, *entries in _candidates(_columns_of(prepared))]


def named_candidates(texts: Sequence[str], default: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that arguments name: a kind, whose default candidates are tried, or an entry as YAML.

    Raises InputError for what is neither.
    """
    chosen: list[Candidate] = []
    for text in texts:
        tree = parse_yaml(text, f"the entry {text}")
        if isinstance(tree, dict | list):
            entries = tree if isinstance(tree, list) else [tree]
            chosen.append(Candidate(text.strip(), tuple(entries)))
        elif text in KINDS:
            of_kind = [candidate for candidate in default if any(entry["name"] == text for entry in candidate.entries)]
            if not of_kind:
                raise InputError(f"no column of this competition suits {text}", mend=f"give an entry, {{name: {text}, of: …}}")
            chosen += of_kind
        else:
            raise InputError(
                f"there is no kind of feature {text}{nearest(text, list(KINDS))}",
                list(KINDS),
                "name one of these, or give an entry, '{name: count, of: Ticket}'",
            )
    return [candidate for at, candidate in enumerate(chosen) if candidate not in chosen[:at]]


def _candidates(columns: _Columns) -> Iterator[tuple[Any, ...]]:
    """Yield a name and the entries of each candidate."""
    dated = [{"name": "date", "of": columns.dates, "parts": list(TURNING)}] if columns.dates else []
    turning = [f"{name} {part}" for part in reversed(TURNING) for name in columns.dates]
    paired = [*turning, *columns.keys][:PAIRED]
    pairs = [list(pair) for pair in combinations(paired, 2)]
    counted = [*columns.categories, *columns.texts]
    if columns.categories:
        yield f"target of {_some(columns.categories)}", {"name": "target", "of": columns.categories}
    if columns.whole:
        yield f"target of {_some(columns.whole)}", {"name": "target", "of": columns.whole}
    for lead in paired[:GROUPS]:
        with_lead = [[lead, name] for name in paired if name != lead]
        if with_lead:
            yield f"target of {lead} with {_some([name for _, name in with_lead])}", *dated, {"name": "target", "of": with_lead}
    if pairs:
        yield f"category of pairs of {_some(paired)}", *dated, {"name": "category", "of": pairs}
        yield f"count of pairs of {_some(paired)}", *dated, {"name": "count", "of": pairs}
    if columns.whole:
        yield f"category of {_some(columns.whole)}", {"name": "category", "of": columns.whole}
    if counted:
        yield f"count of {_some(counted)}", {"name": "count", "of": counted, "rows": "all"}
    for group in columns.keys[:GROUPS]:
        numbers = [name for name in columns.numbers if name != group]
        if numbers:
            yield f"aggregate of {_some(numbers)} by {group}", {"name": "aggregate", "of": numbers, "by": [group]}
    between = [list(pair) for pair in combinations(columns.numbers[:NUMBERS], 2)]
    for name in ("difference", "ratio") if between else ():
        yield f"{name} of {_some(columns.numbers[:NUMBERS])}", {"name": name, "of": between}
    if columns.dates:
        yield f"date of {_some(columns.dates)}", {"name": "date", "of": columns.dates}
    if columns.texts:
        yield f"length of {_some(columns.texts)}", {"name": "length", "of": columns.texts}
        parts = {"name": "part", "of": columns.texts}
        shared = {"name": "count", "of": [f"{name} part" for name in columns.texts], "rows": "all"}
        yield f"part of {_some(columns.texts)}, and its count", parts, shared


def _some(names: Sequence[str]) -> str:
    """Names, or how many there are."""
    return together(names) if len(names) <= 2 else f"{len(names)} columns"


def _columns_of(prepared: PreparedSet) -> _Columns:
    known = [feature for feature in features_of(prepared.folder) if feature.name in prepared.test]
    known = [feature for feature in known if (feature.kind, feature.why) != ("drop", GIVEN)]
    frame = frame_of(prepared.train, [feature.column for feature in known])
    values = {name: int(frame[name].nunique()) for name in frame.columns}
    read = [feature.name for feature in known if feature.kind != "drop"]
    worded = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name])]
    numbers = [name for name in read if frame[name].dtype.kind == "f" and values[name] > 2]
    whole = [name for name in numbers if values[name] <= MOST_VALUES // 2 and (frame[name].dropna() % 1 == 0).all()]
    categories = [name for name in read if name in worded]
    two = [name for name in read if frame[name].dtype.kind == "f" and values[name] == 2]
    keys = [name for name in categories if values[name] <= MOST_VALUES] + whole + two
    commonest = {name: float(frame[name].value_counts(normalize=True, dropna=False).iloc[0]) for name in keys}
    return _Columns(
        categories=categories,
        numbers=sorted(numbers, key=lambda name: -values[name]),
        dates=[name for name in read if frame[name].dtype.kind == "M"],
        texts=[name for name in worded if values[name] > 1 and (name not in read or values[name] > MOST_VALUES)],
        keys=sorted(keys, key=lambda name: commonest[name]),
        whole=whole,
    )
