"""What a model sees of a table: numbers and the codes of categories."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Key
from goldfold.modalities.table.encoding import cross_fitted, encode, fit_encoding
from goldfold.modalities.table.features.entry import Made
from goldfold.modalities.table.features.steps import columns_made, fit_steps, frame_of, made_by, made_in_training
from goldfold.modalities.table.model import build_model
from goldfold.modalities.table.prepare import entries_of, features_of, sources_of
from goldfold.modalities.table.settings import TableModelConfig
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import LEFT_OUT, Part
from goldfold.schema import Column

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]


def input_spec(model: TableModelConfig, prepared: PreparedSet, rows: Array) -> dict[str, Any]:
    """The columns, what is made of them, and how they become numbers, learned from these training rows."""
    problem, table = prepared.problem, prepared.train.iloc[rows]
    truth = problem.truth(table)
    if model.target_encoding and truth.ndim > 1:
        raise InputError("params.yaml, model.target_encoding: there are several targets", mend="leave it out")
    columns = [feature.column for feature in features_of(prepared.folder) if feature.kind != "drop"]
    features = _fit_features(prepared, rows)
    made = _made_in_training(prepared, rows, features)
    wide = _with_made(table, columns, made)
    spec = fit_encoding(wide, [*columns, *columns_made(made)], truth, problem, model.scale, model.rare, model.target_encoding)
    return {**spec, "features": features}


def _fit_features(prepared: PreparedSet, rows: Array) -> dict[str, Any]:
    """What prepare.features makes: the columns that are read for it, and the fitted steps."""
    known, entries, problem = features_of(prepared.folder), entries_of(prepared.folder), prepared.problem
    columns = sources_of(entries, known)
    names = [column.name for column in columns]
    table = prepared.train.iloc[rows]
    frame = everything = frame_of(table, columns)
    if any(entry.all_rows for entry in entries):
        whole = pd.concat([prepared.train[prepared.folds > LEFT_OUT][names], prepared.test[names]])
        everything = frame_of(whole, columns)
    steps = fit_steps(entries, frame, everything, problem.truth(table), problem, [feature.name for feature in known])
    return {"columns": [column.reading() for column in columns], "steps": steps}


def _made_in_training(prepared: PreparedSet, rows: Array, features: Mapping[str, Any]) -> Made:
    """The columns made of these training rows, each row's learned from other rows than itself where it reads the target."""
    table, problem = prepared.train.iloc[rows], prepared.problem
    frame = frame_of(table, _read(features["columns"]))
    return made_in_training(features["steps"], frame, problem.truth(table), problem, prepared.folds[rows])


def _with_made(table: pd.DataFrame, columns: Sequence[Column], made: Made) -> pd.DataFrame:
    """The columns of a table that a model reads, with those that are made."""
    if not made:
        return table
    read = {column.name: table[column.name].array for column in columns if column.name not in made}
    return pd.DataFrame({**read, **made}, index=table.index, copy=False)


class TableView:
    """Rows as `numbers`, (b, numbers) float32, and `categories`, (b, categories) int64."""

    lengths: Array | None = None

    def __init__(self, numbers: Array, categories: Array) -> None:
        self.numbers, self.categories = torch.from_numpy(numbers), torch.from_numpy(categories)

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        rows = torch.tensor([row for _, row in keys])
        return rows, {"numbers": self.numbers[rows], "categories": self.categories[rows]}


def training_view(
    prepared: PreparedSet, rows: Array, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
) -> TableView:
    """The training table; what reads the target is, for `rows`, learned from other rows than each one itself."""
    numbers, categories = _encoded(prepared.train, spec)
    if spec["targets"] or spec["features"]["steps"]:
        table, columns = prepared.train.iloc[rows], columns_in(spec)
        wide = _with_made(table, columns, _made_in_training(prepared, rows, spec["features"]))
        targets = cross_fitted(wide, columns, prepared.problem.truth(table), prepared.problem, spec)
        numbers[rows], categories[rows] = encode(wide, columns, spec, targets)
    return TableView(numbers, categories)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> TableView:
    """A table as it is: the settings know no change of its rows."""
    return view_of(prepared.table(part), spec)


def view_of(table: pd.DataFrame, spec: Mapping[str, Any]) -> TableView:
    """The rows of any table that has the columns of `columns_read`."""
    return TableView(*_encoded(table, spec))


def _encoded(table: pd.DataFrame, spec: Mapping[str, Any]) -> tuple[Array, Array]:
    columns, features = columns_in(spec), _features_in(spec)
    made = made_by(features["steps"], frame_of(table, _read(features["columns"])))
    return encode(_with_made(table, columns, made), columns, spec)


def columns_in(spec: Mapping[str, Any]) -> list[Column]:
    """The columns that a model reads, those among them that are made of others."""
    return _read(spec["columns"])


def columns_read(spec: Mapping[str, Any]) -> list[Column]:
    """The columns that a table has to have: those that a model reads, and those that others are made of."""
    features = _features_in(spec)
    made = {name for step in features["steps"] for name in step["names"].values()}
    own = {column.name: column for column in columns_in(spec) if column.name not in made}
    return list({**own, **{column.name: column for column in _read(features["columns"])}}.values())


def _features_in(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was learned for prepare.features, which checkpoints of before it do not have."""
    return spec.get("features") or {"columns": [], "steps": []}


def _read(columns: Sequence[Mapping[str, Any]]) -> list[Column]:
    return [Column.from_json(column) for column in columns]
