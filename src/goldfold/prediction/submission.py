"""Submission: the answer to the competition, and the contract that it keeps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from goldfold.competition import Problem
from goldfold.competition.answers import breaches_of, read_answers, write_answers
from goldfold.competition.contract import asked_columns, ids_of, pair_ids
from goldfold.competition.ids import as_among
from goldfold.competition.tables import named_alike
from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet, write_json, written_whole
from goldfold.inference.postprocess import Step, Steps, processed
from goldfold.masks import unpacked
from goldfold.tables import read_text_table

LARGEST = 10**6


@dataclass(frozen=True)
class Submission:
    """The test predictions, and the table that answers the sample submission.

    Files: submission.csv, predictions.parquet (the ids and the columns of Problem.outputs, as the models predict them),
    postprocess.json (the steps between the two) and, where `by_fold` holds what each fold's models predict, by_fold.parquet (id,
    Problem.outputs as float32, fold).
    """

    problem: Problem
    sample: pd.DataFrame = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)
    postprocess: Steps = ()
    by_fold: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The answer: the sample submission's columns and ids, in its order.

        Rows that were not predicted (prepare.rows leaves some out) keep what the sample submission has.
        """
        problem, sample = self.problem, self.sample
        rows, prediction = problem.per_answer(self.predictions, problem.predictions(self.predictions))
        keys = rows[problem.answer_id or problem.id]
        answers = write_answers(problem, keys, processed(problem, self.postprocess, prediction), sample)
        table, ids = sample.astype(object), ids_of(sample, problem.keys)
        if problem.mask_form.per == "instance" and problem.has_masks:
            return _of_instances(table, ids, answers)
        places = table.index[ids.isin(set(answers.index))]
        table.loc[places, list(answers.columns)] = answers.loc[list(ids[places])].to_numpy()
        return table

    @property
    def is_whole(self) -> bool:
        """Whether every row of the sample submission was predicted."""
        keys = self.predictions[self.problem.answer_id or self.problem.id].nunique()
        return keys * (len(self.problem.names) if self.problem.pair_id else 1) == len(self.sample)

    def save(self, folder: Path) -> None:
        """Write the files; raises InputError, and leaves no submission.csv, where it would break the contract."""
        write_json(folder / "postprocess.json", [asdict(step) for step in self.postprocess])
        with written_whole(folder / "predictions.parquet") as draft:
            self.predictions.to_parquet(draft)
        if self.by_fold is not None:
            with written_whole(folder / "by_fold.parquet") as draft:
                self.by_fold.to_parquet(draft)
        write_submission(self.table, folder / "submission.csv", self.sample, self.problem, self._pixels())

    def _pixels(self) -> dict[str, int]:
        """The number of pixels of the image of each answer, where masks are answered."""
        problem = self.problem
        if not problem.has_masks:
            return {}
        cells = problem.predictions(self.predictions)[:, 0]
        keys = self.predictions[problem.id]
        sizes = [unpacked(cell)[1:3] if isinstance(cell, bytes) else (LARGEST, LARGEST) for cell in cells]
        ids = pair_ids(problem, keys) if problem.pair_id else keys.to_frame()
        return {key: height * width for row, (height, width) in zip(ids.to_numpy(), sizes, strict=True) for key in row}

    @classmethod
    def load(cls, folder: Path, problem: Problem, sample: pd.DataFrame) -> "Submission":
        """Read what `save` wrote."""
        steps = tuple(Step(**step) for step in read_json(folder / "postprocess.json"))
        return cls(problem, sample, read_parquet(folder / "predictions.parquet"), steps)


def _of_instances(sample: pd.DataFrame, ids: pd.Series, answers: pd.DataFrame) -> pd.DataFrame:
    """The rows of a sample submission, each as often as there are answers to it."""
    column = str(answers.columns[0])
    by_id = answers[column].groupby(level=0).agg(list)
    texts = [by_id.get(key, text) for key, text in zip(ids, sample[column], strict=True)]
    return sample.assign(**{column: pd.Series(texts, sample.index, object)}).explode(column, ignore_index=True)


def write_submission(
    table: pd.DataFrame, path: Path, sample: pd.DataFrame, problem: Problem, pixels: Mapping[str, int] = {}
) -> None:
    """Write an answer; raises InputError, and leaves no file, where it would break the contract."""
    with written_whole(path) as draft:
        table.iloc[:, int(problem.ids == "order") :].to_csv(draft, index=False)
        check_submission(draft, sample, problem, pixels)


def rewrite_submission(path: Path, target: Path, sample: pd.DataFrame, problem: Problem) -> None:
    """Write a submission made elsewhere with the sample submission's order of columns and spelling of names and ids.

    Raises InputError where it breaks the contract otherwise.
    """
    table, _ = named_alike(read_submission(path, sample, problem), list(sample.columns))
    if set(table.columns) == set(sample.columns):
        table = table[list(sample.columns)]
        if not problem.keys and (ids := as_among(table.iloc[:, 0], sample.iloc[:, 0])) is not None:
            table = table.assign(**{sample.columns[0]: ids.to_numpy()})
    write_submission(table, target, sample, problem)


def check_submission(path: Path, sample: pd.DataFrame, problem: Problem, pixels: Mapping[str, int] = {}) -> None:
    """Raise InputError, with every breach, where the file breaks the contract of the sample submission.

    Same columns in the same order, same ids, same count, nothing missing or infinite, probabilities between 0 and 1
    that sum to 1 over classes, and labels that training knows; codes of masks that are whole, and do not leave an image of so
    many `pixels`, by id.
    """
    breaches = _breaches(read_submission(path, sample, problem), sample, problem, pixels)
    if breaches:
        raise InputError("the submission would be refused", breaches, "mend what wrote it; nothing was kept")


def read_submission(path: Path, sample: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Read a submission's file as texts, with its ids first: where it has none, those of the sample submission in order."""
    table, ids = read_text_table(path), sample.iloc[:, 0]
    if problem.ids == "unnamed":
        return table.with_unnamed()
    if problem.ids == "order" and ids.name not in table.cells and len(table.cells) == len(ids):
        return pd.concat([ids.reset_index(drop=True), table.cells], axis=1)
    return table.cells


def _breaches(table: pd.DataFrame, sample: pd.DataFrame, problem: Problem, pixels: Mapping[str, int] = {}) -> list[str]:
    if list(table.columns) != list(sample.columns):
        return [f"its columns are {', '.join(table.columns)}, but the sample's are {', '.join(sample.columns)}"]
    ids, wanted = ids_of(table, problem.keys), ids_of(sample, problem.keys)
    several = problem.has_masks and problem.mask_form.per == "instance"
    breaches = [f"id {i} appears twice" for i in ids[ids.duplicated()] if not several]
    breaches += [f"id {i} of the sample is missing" for i in sorted(set(wanted) - set(ids))]
    breaches += [f"id {i} is not in the sample" for i in sorted(set(ids) - set(wanted))]
    return breaches + breaches_of(problem, ids, table[asked_columns(table, problem.keys)], pixels)


def with_columns(solution: pd.DataFrame, test: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The test labels with those of Problem.columns that the test table alone has, rows matched by id."""
    by = problem.answer_id or problem.id
    more = [name for name in problem.columns if name in test and name not in solution]
    if not more:
        return solution
    return solution.merge(test[[by, *more]].drop_duplicates(by), on=by, how="left")


def score_submission(path: Path, solution: pd.DataFrame, problem: Problem, sample: pd.DataFrame | None = None) -> float:
    """Score a submission against the test labels, rows matched by id; raises InputError where ids are missing.

    `sample` tells the ids of a submission without any, else the solution does. `solution` holds Problem.columns; of rows that
    share an answer the first counts. A label that training never saw has the probability 0, so that its rows are wrong; raises
    InputError where that leaves the metric undefined.
    """
    table = read_submission(path, solution[[problem.id]] if sample is None else sample, problem)
    answers = table[asked_columns(table, problem.keys)].set_axis(ids_of(table, problem.keys), axis=0)
    by = problem.answer_id or problem.id
    solution = solution.drop_duplicates(by, ignore_index=True)
    answered = set(answers.index)
    ids = pair_ids(problem, solution[by]) if problem.pair_id else solution[[by]]
    missing = [i for i, wanted in zip(solution[by], ids.to_numpy().tolist(), strict=True) if not answered.issuperset(wanted)]
    if missing:
        raise InputError(f"{path} has no answer for {len(missing)} ids of the solution", missing, "name the right solution")
    prediction = read_answers(problem, answers, solution[by])
    if unseen := problem.unseen(solution):
        problem = problem.with_classes(unseen)
        prediction = problem.with_probability_0(prediction)
    return problem.score(problem.truth(solution), prediction, solution)
