"""Between predictions and what the columns of a submission hold."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from goldfold.competition.classes import split_labels
from goldfold.competition.contract import answer_columns, asked_columns, pair_ids
from goldfold.competition.labels import as_classes
from goldfold.competition.mask_answers import broken_codes, read_codes, written_codes
from goldfold.competition.problem import Problem
from goldfold.errors import InputError
from goldfold.metrics import Array, best_first, hard_labels

SUM_TOLERANCE = 1e-3
MOST_RANKED = 5
ROUND_TRIP = 1000
"""Training rows that are written and read back."""


def write_answers(problem: Problem, keys: pd.Series, prediction: Array, sample: pd.DataFrame) -> pd.DataFrame:
    """The columns that the sample submission asks for, a row per key (or per key and label), whose ids are the index."""
    columns = columns_in_sample(problem, sample)
    if problem.has_masks:
        return written_codes(problem, keys, prediction, columns)
    if problem.answer in ("ranking", "set"):
        texts = _rankings(problem, prediction) if problem.answer == "ranking" else _sets(problem, prediction)
        answers = np.array(texts, dtype=object)[:, None]
    else:
        if problem.answer == "confidence" and prediction.ndim == 1:
            confidence = problem.scored_by.parameters["confidence"].default
            confidences = np.full(len(prediction), problem.metric_args.get("confidence", confidence), dtype=float)
            prediction = np.column_stack([prediction, confidences])
        if problem.task == "binary" and len(columns) == 2:
            prediction = np.column_stack([1 - prediction, prediction])
        answers = problem.labels(prediction) if problem.answer == "label" else prediction
        answers = answers.reshape(len(prediction), -1)
    if problem.pair_id:
        ids = pair_ids(problem, keys).to_numpy().ravel()
        return pd.DataFrame({columns[0]: answers.ravel()}, index=ids)
    table = pd.DataFrame(answers, columns=columns, index=keys.to_numpy())
    return table[asked_columns(sample, problem.keys)]


def read_answers(problem: Problem, answers: pd.DataFrame, keys: pd.Series) -> Array:
    """The answers for keys, in the shape that metrics take; a label counts as a probability of 1, the k-th of a ranking 1 / k.

    `answers` holds the submission's columns as texts, with its ids as the index.
    """
    if problem.has_masks:
        return read_codes(problem, answers, keys, columns_in_sample(problem, answers, whole=True))
    if problem.pair_id:
        ids = pair_ids(problem, keys)
        values = answers.iloc[:, 0].astype(float)
        return np.column_stack([values.loc[list(ids[name])] for name in ids])
    answers = answers.loc[list(keys)].reset_index(drop=True)
    if problem.answer in ("ranking", "set"):
        return _scores(problem, answers.iloc[:, 0])
    if problem.answer == "label" and problem.is_exclusive:
        class_numbers = {label: number for number, label in enumerate(problem.classes)}
        index = as_classes(answers.iloc[:, 0], problem.classes).map(class_numbers).to_numpy(dtype=np.int64)
        return index.astype(float) if problem.task == "binary" else np.eye(len(problem.classes))[index]
    numbers = answers[columns_in_sample(problem, answers, whole=True)].to_numpy(dtype=np.float64)
    if problem.task == "binary":
        return numbers[:, -1]
    return numbers if problem.task in ("multiclass", "multilabel") or numbers.shape[1] > 1 else numbers[:, 0]


def columns_in_sample(problem: Problem, sample: pd.DataFrame, whole: bool = False) -> list[str]:
    """The columns asked for, in the order of the answer's: by name where the sample has them, else as they come.

    `whole` says that `sample` has no ids.
    """
    wanted = list(answer_columns(problem))
    shipped = list(sample.columns) if whole else asked_columns(sample, problem.keys)
    if problem.answer == "confidence" and problem.targets[0] in shipped:
        return [problem.targets[0], *(name for name in shipped if name != problem.targets[0])]
    return wanted if set(wanted) == set(shipped) else shipped


def breaches_of(problem: Problem, ids: pd.Series, answers: pd.DataFrame, pixels: Mapping[str, int] = {}) -> list[str]:
    """What is wrong with the answers, a line each: unknown labels, missing or infinite numbers, no probabilities, and codes that
    are none or leave their image, by the number of its `pixels`."""
    if problem.has_masks:
        return broken_codes(problem, ids, answers, pixels)
    if problem.answer in ("ranking", "set"):
        return _broken_texts(problem, ids, answers.iloc[:, 0])
    if problem.answer == "label":
        allowed = set(problem.classes if problem.is_exclusive else problem.grades) or {"0", "1"}
        return [
            f"id {ids[row]}: {name} is {answers[name][row]!r}, not one of the labels"
            for name in answers
            for row in _where(~answers[name].isin(allowed))
        ]
    breaches = []
    numbers = answers.apply(pd.to_numeric, errors="coerce")
    for name in numbers:
        breaches += [f"id {ids[row]}: {name} is {answers[name][row]!r}" for row in _where(~np.isfinite(numbers[name]))]
        if problem.answer == "probability":
            outside = (numbers[name] < 0) | (numbers[name] > 1)
            breaches += [f"id {ids[row]}: {name} is {answers[name][row]}, no probability" for row in _where(outside)]
    if problem.answer == "probability" and problem.is_exclusive and len(numbers.columns) > 1:
        off = (numbers.sum(axis=1) - 1).abs() > SUM_TOLERANCE
        breaches += [f"id {ids[row]}: its probabilities sum to {numbers.loc[row].sum():.4f}" for row in _where(off)]
    return breaches


def _broken_texts(problem: Problem, ids: pd.Series, texts: pd.Series) -> list[str]:
    allowed, breaches = set(problem.names), []
    for i, labels in zip(ids, split_labels(texts, problem.mark), strict=True):
        breaches += [f"id {i}: {label!r} is not one of the labels" for label in labels if label not in allowed]
        if len(set(labels)) < len(labels):
            breaches.append(f"id {i}: a label appears twice in {' '.join(labels)!r}")
        if not labels and problem.answer == "ranking":
            breaches.append(f"id {i}: there is no label")
    return breaches


def _where(wrong: pd.Series) -> Array:
    return np.flatnonzero(wrong.to_numpy())


def _rankings(problem: Problem, scores: Array) -> list[str]:
    parameter = problem.scored_by.parameters.get("k")
    k = problem.metric_args.get("k", parameter.default if parameter else MOST_RANKED)
    names = np.asarray(problem.names, dtype=object)
    return [problem.mark.join(names[row]) for row in best_first(scores, k)]


def _sets(problem: Problem, probability: Array) -> list[str]:
    names = np.asarray(problem.names, dtype=object)
    return [problem.mark.join(names[row == 1]) for row in hard_labels(problem.task, probability)]


def _scores(problem: Problem, texts: pd.Series) -> Array:
    index = {label: position for position, label in enumerate(problem.names)}
    scores = np.zeros((len(texts), len(index)))
    for row, labels in enumerate(split_labels(texts, problem.mark)):
        for rank, label in enumerate(labels):
            scores[row, index[label]] = 1 / (rank + 1) if problem.answer == "ranking" else 1
    return scores


def require_round_trip(problem: Problem, train: pd.DataFrame, sample: pd.DataFrame) -> None:
    """Raise InputError where the sample submission's form, filled with training labels, does not read back as these labels."""
    rows = train.head(ROUND_TRIP)
    truth = problem.truth(rows)
    sure = np.eye(len(problem.classes))[truth] if problem.task == "multiclass" and truth.ndim == 1 else truth
    sure = sure if problem.has_masks else sure.astype(np.float64)
    rows, prediction = problem.per_answer(rows, sure)
    keys = rows[problem.answer_id or problem.id].reset_index(drop=True)
    answers = write_answers(problem, keys, prediction, sample).astype("str")
    again = read_answers(problem, answers, keys)
    if problem.answer in ("ranking", "set"):
        again, prediction = problem.labels(again), problem.labels(prediction)
    elif problem.answer == "confidence":
        again = again[:, 0]
    elif problem.grades:
        again, prediction = problem.nearest_grade(again), problem.nearest_grade(prediction)
    wrong = np.flatnonzero(np.reshape(again != prediction, (len(keys), -1)).any(axis=1))
    if len(wrong):
        raise InputError(
            f"the sample submission's form does not hold the training labels: {len(wrong)} of {len(keys)} read back otherwise",
            [f"{keys.iloc[row]}: {', '.join(map(str, answers.iloc[row]))}" for row in wrong if row < len(answers)],
            "correct competition.answer, classes or labels",
        )
