"""Which columns of a table a model reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from goldfold.competition import Competition, Decision
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.modalities.table.settings import Use
from goldfold.schema import Column, work_out_column
from goldfold.schema.column import stripped_cells

ALMOST_ALL_DIFFERENT = 0.9
GIVEN = "as params.yaml says"


@dataclass(frozen=True)
class Feature:
    """A column of the tables, how its cells are read, what the model takes it for, and why; drop leaves it out."""

    column: Column
    kind: Use
    why: str

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Feature":
        """Rebuild what `to_json` gave."""
        return cls(Column.from_json(value["column"]), value["kind"], value["why"])

    def to_json(self) -> dict[str, Any]:
        """The feature as JSON holds it."""
        return {"column": self.column.to_json(), "kind": self.kind, "why": self.why}


def work_out_features(competition: Competition, kinds: Mapping[str, Use]) -> list[Feature]:
    """Choose among the columns that training and test table share, but targets and ids.

    `kinds` are those that params.yaml gives. Raises InputError for a column that is not there, and where none is left.
    """
    train, test, problem = competition.train, competition.test, competition.problem
    unknown = [name for name in kinds if name not in train]
    if unknown:
        raise InputError(
            f"params.yaml, prepare.columns: there is no column {unknown[0]}{nearest(unknown[0], list(train.columns))}",
            mend=f"the training table has {', '.join(train.columns[:30])}",
        )
    features = []
    for name in train.columns:
        if name in problem.targets:
            continue
        column = _column_of(competition, name)
        if name not in test:
            features.append(Feature(column, "drop", "the test table does not have it"))
        elif name in kinds and kinds[name] != "text":
            features.append(Feature(column, kinds[name], GIVEN))
        else:
            features.append(Feature(column, *_use(column, train[name], name in _ids(competition))))
    if all(feature.kind == "drop" for feature in features):
        raise InputError(
            "the tables share no column to learn from",
            [f"{feature.name}: {feature.why}" for feature in features],
            "name the kinds of the right ones in prepare.columns",
        )
    return features


def _ids(competition: Competition) -> set[str]:
    problem = competition.problem
    return {problem.id, *problem.keys}


def _column_of(competition: Competition, name: str) -> Column:
    """How a column's cells are read; an id, which is text, may be a date."""
    column = competition.schema.column(name)
    if column is not None:
        return column
    tables = [table[name] for table in (competition.train, competition.test) if name in table]
    return work_out_column(name, stripped_cells(tables))


def _use(column: Column, values: pd.Series, is_id: bool) -> tuple[Use, str]:
    """What a model takes a column of the training table for, and why."""
    present = values.dropna()
    distinct = present.nunique()
    if is_id:
        return ("date", "the id is a date") if column.kind == "date" else ("drop", "it is the id")
    if distinct <= 1:
        return "drop", "all values are the same"
    if column.kind == "number":
        whole = (present % 1 == 0).all()
        counts = whole and distinct == len(values) == present.max() - present.min() + 1
        return ("drop", "it counts the rows") if counts else ("number", column.why)
    if column.kind == "text":
        return "drop", "free text (competition.modality: text reads it)"
    if column.kind == "category" and distinct > ALMOST_ALL_DIFFERENT * len(present):
        return "drop", "nearly every row has its own"
    return column.kind, column.why


def in_words(features: Sequence[Feature]) -> str:
    """How many columns there are of each kind."""
    counts = pd.Series([feature.kind for feature in features]).value_counts()
    return "columns: " + ", ".join(f"{counts[kind]} {name}" for kind, name in PLURALS.items() if kind in counts)


PLURALS: Mapping[str, str] = {
    "number": "numbers",
    "boolean": "booleans",
    "category": "categories",
    "date": "dates",
    "time": "times of day",
    "duration": "durations",
    "text": "texts",
    "drop": "left out",
}


def decisions(features: Sequence[Feature]) -> tuple[Decision, ...]:
    """A line for each reason to leave columns out, with their names."""
    groups: dict[str, list[str]] = {}
    for feature in features:
        if feature.kind == "drop":
            groups.setdefault(feature.why, []).append(feature.name)
    return tuple(Decision("columns: left out", ", ".join(names), why) for why, names in groups.items())
