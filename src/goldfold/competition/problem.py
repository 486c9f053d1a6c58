"""The problem that a competition poses: what is predicted from what, how it is answered and how it is scored."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.competition.classes import split_labels
from goldfold.config import Answer, Task
from goldfold.errors import InputError
from goldfold.masks import MaskForm, areas, overlaps
from goldfold.metrics import Array, Metric, find_metric, hard_labels, named_columns, score_rows

Ids = Literal["named", "unnamed", "order"]
"""How a submission has its ids: in a column, in a first one without a name, or not at all, having the test rows' order."""
TUPLES = ("targets", "classes", "grades", "keys", "answer_names")

OWN_NAMES = ("row", "fold", "seed", "Usage")
"""The columns that goldfold writes beside a problem's in tables of predictions and solutions."""


@dataclass(frozen=True)
class Problem:
    """What is predicted (`task`, `targets`, `classes`), from which kind of input, and what the answer looks like.

    `classes` are the labels as texts, in the order of the model's outputs; of two the second is the positive one. A multilabel
    task has them where one column holds each row's labels, separated by `separator`, and in an answer by `mark`; otherwise its
    targets are its labels. A regression that is answered by labels has them as `grades`, to the nearest of which its values are
    rounded.

    `answer_id` is the column by which rows share an answer, where several do, and `aggregate` how their
    predictions are combined. With `pair_id` the answer has a row per id and label. `keys` are the columns that `id` joins by _.
    `spelled` is what a column is called here that the competition calls by a name of goldfold's own, such as fold.
    `answer_names` are the answer's columns where the sample submission has names of its own for the classes, in their order.
    `ids` says how a submission has its ids. Masks are run-length codes in the target columns, one for each class, written as
    `mask` says.
    """

    name: str
    modality: str
    id: str
    targets: tuple[str, ...]
    task: Task
    classes: tuple[str, ...]
    metric: str
    answer: Answer
    metric_args: dict[str, Any] = field(default_factory=dict)
    grades: tuple[str, ...] = ()
    separator: str = " "
    answer_separator: str | None = None
    answer_id: str | None = None
    aggregate: Literal["mean", "max"] = "mean"
    pair_id: str | None = None
    keys: tuple[str, ...] = ()
    answer_names: tuple[str, ...] = ()
    spelled: dict[str, str] = field(default_factory=dict)
    ids: Ids = "named"
    mask: MaskForm | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Problem":
        """Rebuild what `to_json` gave."""
        mask = MaskForm(**value["mask"]) if value.get("mask") else None
        return cls(**{**value, **{name: tuple(value.get(name, ())) for name in TUPLES}, "mask": mask})

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON holds it."""
        return asdict(self)

    @property
    def scored_by(self) -> Metric:
        """The competition's metric."""
        return find_metric(self.metric, self.task)

    @property
    def mark(self) -> str:
        """What separates the labels of an answer."""
        return self.answer_separator or self.separator

    @property
    def is_exclusive(self) -> bool:
        """Whether each row has one class."""
        return self.task in ("binary", "multiclass")

    @property
    def has_numbers(self) -> bool:
        """Whether the target columns are numbers: values, labels of 0 and 1, or votes."""
        return not self.has_masks and (len(self.targets) > 1 or not self.classes)

    @property
    def has_masks(self) -> bool:
        """Whether masks are predicted: truth is codes and predictions are cells (see goldfold.masks), (n, classes) objects."""
        return self.task == "masks"

    @property
    def has_amounts(self) -> bool:
        """Whether rows differ by amounts rather than by labels: values, or areas of masks."""
        return self.task in ("regression", "masks")

    def require_no_masks(self, what: str) -> None:
        """Raise InputError where masks are predicted, for `what` is not done with them."""
        if self.has_masks:
            raise InputError(
                f"{what} masks is not possible yet", mend="average what one run trains: train.seeds, train.keep_best, predict.tta"
            )

    @property
    def mask_form(self) -> MaskForm:
        """How masks are written."""
        return self.mask or MaskForm()

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, labels or targets, in the order of the predictions' columns."""
        return self.classes or self.targets

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns of a table of predictions: a probability per class or label, or a value per target."""
        if self.task == "binary":
            return (f"p_{self.classes[1]}",)
        return tuple(f"{'predicted' if self.task == 'regression' else 'p'}_{name}" for name in self.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the training table that predictions are scored with, the id first."""
        more = (self.answer_id,) if self.answer_id else ()
        return tuple(dict.fromkeys([self.id, *more, *self.targets, *named_columns(self.scored_by, self.metric_args)]))

    def with_own_names(self) -> "Problem":
        """Return the problem with another name for each column that is called as one of goldfold's own, see `spelled`."""
        taken = {*OWN_NAMES, *self.outputs}
        spelled = {name: f"{name}_" for name in self.columns if name in taken}
        if not spelled:
            return self

        def own(value: Any) -> Any:
            if isinstance(value, tuple | list):
                return type(value)(own(name) for name in value)
            return spelled.get(value, value) if isinstance(value, str) else value

        named = set(named_columns(self.scored_by, self.metric_args))
        arguments = {name: own(value) if named & set(_as_list(value)) else value for name, value in self.metric_args.items()}
        answered = self.targets if self.answer in ("value", "label") and len(self.targets) > 1 else self.answer_names
        return replace(
            self,
            id=own(self.id),
            targets=own(self.targets),
            classes=own(self.classes) if len(self.targets) > 1 else self.classes,
            answer_id=own(self.answer_id),
            keys=own(self.keys),
            metric_args=arguments,
            answer_names=answered,
            spelled={**self.spelled, **spelled},
        ).with_own_names()

    def as_shipped(self, name: str) -> str:
        """What the competition's files call a column."""
        return next((shipped for shipped, own in self.spelled.items() if own == name), name)

    def in_template(self, template: str | None) -> str | None:
        """A template over the competition's columns as one over the columns that are `spelled` here."""
        if template is None:
            return None
        return re.sub(r"(?<=\{)([^{}:]+)(?=[:}])", lambda field: self.spelled.get(field[0], field[0]), template)

    def truth(self, table: pd.DataFrame) -> Array:
        """The targets of a table as numbers, in the shape that metrics take; raises InputError for unknown labels."""
        if self.is_exclusive and len(self.targets) == 1:
            index = self._columns_by_name(table[self.targets[0]])
            return table[self.targets[0]].map(index).to_numpy(dtype=np.int64)
        if self.task == "multilabel" and self.classes:
            return self.label_matrix(table[self.targets[0]])
        if self.has_masks:
            return table[list(self.targets)].to_numpy(dtype=object)
        values = table[list(self.targets)].to_numpy(dtype=np.float64)
        if self.task == "multilabel":
            return values.astype(np.int64)
        if self.task == "multiclass":
            return np.asarray(values / values.sum(axis=1, keepdims=True))
        return values[:, 0] if len(self.targets) == 1 else values

    def amounts(self, truth: Array) -> Array:
        """A truth as numbers, (n, columns) float64: the areas of masks in pixels."""
        numbers = areas(truth, self.mask_form) if self.has_masks else truth
        return np.asarray(numbers, np.float64).reshape(len(truth), -1)

    def measured(self, truth: Array, prediction: Array) -> tuple[Array, Array]:
        """Truth and prediction as `score` takes them and scores parts of their rows quickly: of masks, their areas."""
        if self.has_masks and prediction.dtype == object:
            return overlaps(truth, prediction, self.mask_form)
        return truth, prediction

    def label_matrix(self, sets: pd.Series) -> Array:
        """Texts of labels, separated by `separator`, as (n, labels) of 0 and 1."""
        rows = split_labels(sets, self.separator)
        index = self._columns_by_name(label for labels in rows for label in labels)
        matrix = np.zeros((len(sets), len(index)), dtype=np.int64)
        for row, labels in enumerate(rows):
            matrix[row, [index[label] for label in labels]] = 1
        return matrix

    def _columns_by_name(self, labels: Iterable[str]) -> dict[str, int]:
        """The column of each of `names`; raises InputError where one of `labels` has none."""
        index = {label: position for position, label in enumerate(self.names)}
        unknown = sorted(set(labels) - set(index))
        if unknown:
            raise InputError(
                f"labels in {self.targets[0]} that training has not seen: {len(unknown)}", unknown, "correct the table"
            )
        return index

    def unseen(self, table: pd.DataFrame) -> list[str]:
        """List the labels of a table that are not among `classes`, sorted."""
        if self.has_numbers or self.has_masks:
            return []
        labels = table[self.targets[0]]
        sets = [[label] for label in labels] if self.is_exclusive else split_labels(labels, self.separator)
        return sorted({label for labels in sets for label in labels} - set(self.classes))

    def with_classes(self, unseen: Sequence[str]) -> "Problem":
        """Return the problem with more classes, at the end; raises InputError where its metric is undefined for them."""
        if not unseen:
            return self
        task: Task = "multilabel" if self.task == "multilabel" else "multiclass"
        arguments, metric = self.metric_args, self.scored_by
        is_ordered = metric.name.endswith("weighted_kappa") or arguments.get("weights") is not None
        is_weighted = any(arguments.get(name) is not None for name in ("class_weights", "label_weights"))
        if task not in metric.tasks or is_ordered or is_weighted or arguments.get("average") == "binary":
            raise InputError(
                f"{metric.name} is undefined for labels that training has not seen: {len(unseen)}",
                unseen,
                "leave their rows out",
            )
        return replace(self, task=task, classes=(*self.classes, *unseen))

    def with_probability_0(self, prediction: Array) -> Array:
        """Widen probabilities of the first of `classes`, as metrics take them, by 0 for the others."""
        columns = np.column_stack([1 - prediction, prediction]) if prediction.ndim == 1 else prediction
        return np.pad(columns, ((0, 0), (0, len(self.classes) - columns.shape[1])))

    def class_of(self, truth: Array) -> Array:
        """The index of each row's class, (n,); of votes, the class with the most."""
        return np.asarray(truth.argmax(axis=1)) if truth.ndim > 1 else truth

    def per_answer(self, table: pd.DataFrame, prediction: Array) -> tuple[pd.DataFrame, Array]:
        """The rows that are answered and scored: all, or where several share an answer the first of each, and its prediction."""
        if not self.answer_id or not table[self.answer_id].duplicated().any():
            return table, prediction
        keys = table[self.answer_id]
        frame = pd.DataFrame(prediction.reshape(len(prediction), -1)).groupby(keys.to_numpy(), sort=False)
        together = (frame.max() if self.aggregate == "max" else frame.mean()).to_numpy()
        first = table[~keys.duplicated()].reset_index(drop=True)
        return first, together[:, 0] if prediction.ndim == 1 else together

    def score(self, truth: Array, prediction: Array, table: pd.DataFrame | None = None) -> float:
        """Score predictions by the competition's metric; NaN where it is undefined on these rows.

        The rows are those of `per_answer`; `table` holds their `columns`, and is needed where the metric's arguments name some.
        """
        if self.grades:
            truth, prediction = self.nearest_grade(truth), self.nearest_grade(prediction)
        truth, prediction = self.measured(truth, prediction)
        return score_rows(self.scored_by, self.metric_args, self.task, self.names, truth, prediction, table)

    def score_rows(self, table: pd.DataFrame, prediction: Array) -> float:
        """Score predictions of the rows of `table`, which holds `columns`, where several may share an answer."""
        table, prediction = self.per_answer(table, prediction)
        return self.score(self.truth(table), prediction, table)

    def nearest_grade(self, values: Array) -> Array:
        """The index of the grade nearest to each value, (n,)."""
        grades = np.asarray(self.grades, dtype=float)
        return np.asarray(np.searchsorted((grades[1:] + grades[:-1]) / 2, values, side="right"))

    def labels(self, prediction: Array) -> Array:
        """The predicted labels as texts, (n,), or 0 and 1, (n, labels), for a multilabel task."""
        if self.task == "multilabel":
            return hard_labels(self.task, prediction)
        if self.task == "regression":
            return np.asarray(self.grades, dtype=object)[self.nearest_grade(prediction)]
        return np.asarray(self.classes, dtype=object)[hard_labels(self.task, prediction)]

    def target_columns(self, prediction: Array) -> dict[str, Any]:
        """Predictions as the training table would hold them: each row's most probable labels, or values, by target column."""
        if self.is_exclusive and len(self.targets) == 1:
            return {self.targets[0]: self.labels(prediction)}
        if self.task == "multilabel" and self.classes:
            names, rows = np.asarray(self.classes, dtype=object), self.labels(prediction).astype(bool)
            return {self.targets[0]: [self.separator.join(names[row]) for row in rows]}
        values = self.labels(prediction) if self.task == "multilabel" else prediction
        return dict(zip(self.targets, values.reshape(len(values), -1).T, strict=True))

    def table(self, prediction: Array) -> pd.DataFrame:
        """Predictions as a table with the columns `outputs`."""
        return pd.DataFrame(prediction.reshape(len(prediction), -1), columns=list(self.outputs))

    def predictions(self, table: pd.DataFrame) -> Array:
        """Predictions back from such a table, in the shape that metrics take."""
        if self.has_masks:
            return table[list(self.outputs)].to_numpy(dtype=object)
        values = table[list(self.outputs)].to_numpy(dtype=np.float64)
        single = self.task == "binary" or (self.task == "regression" and len(self.targets) == 1)
        return values[:, 0] if single else values


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
