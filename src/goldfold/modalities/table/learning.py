"""What a model sees of a table: numbers and the codes of categories."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Key
from goldfold.modalities.table.encoding import cross_fitted, encode, fit_encoding
from goldfold.modalities.table.model import build_model
from goldfold.modalities.table.prepare import features_of
from goldfold.modalities.table.settings import TableModelConfig
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part
from goldfold.schema import Column

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]


def input_spec(model: TableModelConfig, prepared: PreparedSet, rows: Array) -> dict[str, Any]:
    """The columns, and how they become numbers, learned from these training rows."""
    problem, table = prepared.problem, prepared.train.iloc[rows]
    truth = problem.truth(table)
    if model.target_encoding and truth.ndim > 1:
        raise InputError("params.yaml, model.target_encoding: there are several targets", mend="leave it out")
    columns = [feature.column for feature in features_of(prepared.folder) if feature.kind != "drop"]
    return fit_encoding(table, columns, truth, problem, model.scale, model.rare, model.target_encoding)


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
    """The training table; the target encodings of `rows` are learned from other rows than each one itself."""
    numbers, categories = encode(prepared.train, columns_in(spec), spec)
    if spec["targets"]:
        table = prepared.train.iloc[rows]
        targets = cross_fitted(table, columns_in(spec), prepared.problem.truth(table), prepared.problem, spec)
        numbers[rows], _ = encode(table, columns_in(spec), spec, targets)
    return TableView(numbers, categories)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> TableView:
    """A table as it is: the settings know no change of its rows."""
    return TableView(*encode(prepared.table(part), columns_in(spec), spec))


def columns_in(spec: Mapping[str, Any]) -> list[Column]:
    """The columns that a model reads."""
    return [Column.from_json(column) for column in spec["columns"]]
