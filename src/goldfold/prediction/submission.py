"""Submission: the answer to the competition, and the contract that it keeps."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.competition.competition import answer_columns
from goldfold.competition.tables import columns_of, read_table
from goldfold.competition.task import whole_number_labels
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.metrics import Array

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Submission:
    """The test predictions, and the table that answers the sample submission.

    Files: submission.csv, and predictions.parquet (the id and the columns of Problem.outputs).
    """

    problem: Problem
    sample: pd.DataFrame = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The answer: the sample submission's columns and ids, in its order.

        Rows that were not predicted (prepare.rows leaves some out) keep what the sample submission has.
        """
        problem, sample = self.problem, self.sample
        prediction = problem.predictions(self.predictions)
        answer = problem.labels(prediction) if problem.answer == "label" else prediction
        columns = dict(zip(_columns_in_sample(problem, sample), answer.reshape(len(prediction), -1).T, strict=True))
        answers = pd.DataFrame({name: columns[name] for name in sample.columns[1:]})
        if self.is_whole:
            return pd.concat([sample.iloc[:, :1], answers], axis=1)
        table, ids = sample.astype(object), self.predictions[problem.id]
        places = table.index[table.iloc[:, 0].isin(set(ids))]
        order = pd.Index(ids).get_indexer(table.iloc[places, 0])
        table.loc[places, list(answers.columns)] = answers.iloc[order].to_numpy()
        return table

    @property
    def is_whole(self) -> bool:
        """Whether every row of the sample submission was predicted."""
        return len(self.predictions) == len(self.sample)

    def save(self, folder: Path) -> None:
        """Write both files; raises InputError, and leaves no submission.csv, where it would break the contract."""
        with written_whole(folder / "predictions.parquet") as draft:
            self.predictions.to_parquet(draft)
        with written_whole(folder / "submission.csv") as draft:
            self.table.to_csv(draft, index=False)
            check_submission(draft, self.sample, self.problem)

    @classmethod
    def load(cls, folder: Path, problem: Problem, sample: pd.DataFrame) -> "Submission":
        """Read what `save` wrote."""
        return cls(problem, sample, pd.read_parquet(folder / "predictions.parquet"))


def check_submission(path: Path, sample: pd.DataFrame, problem: Problem) -> None:
    """Raise InputError, with every breach, where the file breaks the contract of the sample submission.

    Same columns in the same order, same ids, same count, nothing missing or infinite, probabilities between 0 and 1
    that sum to 1 over classes, and labels that training knows.
    """
    table = read_table(path, columns_of(path))
    breaches = _breaches(table, sample, problem)
    if breaches:
        raise InputError("the submission would be refused", breaches, "mend what wrote it; nothing was kept")


def _breaches(table: pd.DataFrame, sample: pd.DataFrame, problem: Problem) -> list[str]:
    if list(table.columns) != list(sample.columns):
        return [f"its columns are {', '.join(table.columns)}, but the sample's are {', '.join(sample.columns)}"]
    ids, wanted = table.iloc[:, 0], sample.iloc[:, 0]
    breaches = [f"id {i} stands twice" for i in ids[ids.duplicated()]]
    breaches += [f"id {i} of the sample is missing" for i in sorted(set(wanted) - set(ids))]
    breaches += [f"id {i} is not in the sample" for i in sorted(set(ids) - set(wanted))]
    answers = table.iloc[:, 1:]
    if problem.answer == "label":
        known = set(problem.classes) or {"0", "1"}
        for name in answers:
            breaches += [
                f"id {ids[row]}: {name} is {answers[name][row]!r}, no known label" for row in _where(~answers[name].isin(known))
            ]
        return breaches
    numbers = answers.apply(pd.to_numeric, errors="coerce")
    for name in numbers:
        breaches += [f"id {ids[row]}: {name} is {answers[name][row]!r}" for row in _where(~np.isfinite(numbers[name]))]
        if problem.answer == "probability":
            outside = (numbers[name] < 0) | (numbers[name] > 1)
            breaches += [f"id {ids[row]}: {name} is {answers[name][row]}, no probability" for row in _where(outside)]
    if problem.answer == "probability" and problem.task == "multiclass":
        off = (numbers.sum(axis=1) - 1).abs() > SUM_TOLERANCE
        breaches += [f"id {ids[row]}: its probabilities sum to {numbers.loc[row].sum():.4f}" for row in _where(off)]
    return breaches


def _where(wrong: pd.Series) -> Array:
    return np.flatnonzero(wrong.to_numpy())


def score_submission(path: Path, solution: pd.DataFrame, problem: Problem) -> float:
    """Score a submission against the test labels, rows matched by id; raises InputError where ids are missing."""
    table = read_table(path, columns_of(path)).set_index(columns_of(path)[0])
    missing = [i for i in solution[problem.id] if i not in table.index]
    if missing:
        raise InputError(f"{path} has no answer for {len(missing)} ids of the solution", missing, "name the right solution")
    answers = table.loc[list(solution[problem.id])].reset_index(drop=True)
    return problem.score(problem.truth(solution), _as_prediction(answers, problem))


def _as_prediction(answers: pd.DataFrame, problem: Problem) -> Array:
    """The answers in the shape that metrics take; a label counts as a probability of 1."""
    if problem.answer == "label" and problem.classes:
        place = {label: number for number, label in enumerate(problem.classes)}
        index = whole_number_labels(answers.iloc[:, 0]).map(place).to_numpy(dtype=np.int64)
        return index.astype(float) if problem.task == "binary" else np.eye(len(problem.classes))[index]
    values = answers[_columns_in_sample(problem, answers, first=0)].to_numpy(dtype=np.float64)
    return values if problem.task in ("multiclass", "multilabel") or values.shape[1] > 1 else values[:, 0]


def _columns_in_sample(problem: Problem, sample: pd.DataFrame, first: int = 1) -> list[str]:
    """The sample's columns in the order of the problem's outputs: by name where it has them, else as they come."""
    wanted, shipped = list(answer_columns(problem)), list(sample.columns[first:])
    return wanted if set(wanted) == set(shipped) else shipped
