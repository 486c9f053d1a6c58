"""Working out what a competition asks for, from its tables."""

from dataclasses import dataclass

import pandas as pd

from goldfold.competition.tables import line
from goldfold.config import Answer, CompetitionConfig, Task
from goldfold.errors import InputError
from goldfold.metrics import METRICS, find_metric

EMPTY_LABELS = {"", "nan", "NaN"}
MOST_NUMBERED_CLASSES = 50
DEFAULT_METRICS: dict[tuple[Task, Answer], str] = {
    ("binary", "label"): "accuracy",
    ("binary", "probability"): "roc_auc",
    ("multiclass", "label"): "accuracy",
    ("multiclass", "probability"): "log_loss",
    ("multilabel", "label"): "f1_micro",
    ("multilabel", "probability"): "roc_auc",
    ("regression", "value"): "rmse",
}


@dataclass(frozen=True)
class Decision:
    """A choice made for the competitor: the setting, what was chosen, and why."""

    setting: str
    value: str
    why: str


GIVEN = "as params.yaml says"


def require_targets(train: pd.DataFrame, targets: tuple[str, ...], id_column: str, source: str) -> None:
    """Raise InputError for training rows whose target is empty or NaN."""
    for target in targets:
        empty = train[target].isin(EMPTY_LABELS).to_numpy().nonzero()[0].tolist()
        if len(empty):
            raise InputError(
                f"{source}: rows without {target}: {len(empty)}",
                [f"{line(position)}: {id_column} {train[id_column].iloc[position]}" for position in empty],
                "fill in the target or remove the rows",
            )


def whole_number_labels(labels: pd.Series) -> pd.Series:
    """Write labels such as 1.0 as 1, where all of them are whole numbers written with a point."""
    if labels.str.fullmatch(r"-?\d+\.0+").all():
        return labels.str.replace(r"\.0+$", "", regex=True)
    return labels


def work_out_task(
    config: CompetitionConfig, train: pd.DataFrame, targets: tuple[str, ...], answers: pd.DataFrame | None
) -> tuple[Task, Decision]:
    """What is predicted. `train` holds the targets as texts; `answers` are the sample submission's columns but the id."""
    if config.task:
        return config.task, Decision("task", config.task, GIVEN)
    numbers = train[list(targets)].apply(pd.to_numeric, errors="coerce")
    if len(targets) > 1:
        if numbers.isin([0, 1]).to_numpy().all():
            return "multilabel", Decision("task", "multilabel", f"{len(targets)} target columns of 0 and 1")
        return "regression", Decision("task", "regression", f"{len(targets)} target columns of numbers")
    target = targets[0]
    distinct = train[target].nunique()
    if distinct == 2:
        return "binary", Decision("task", "binary", f"{target} has two values")
    if numbers[target].notna().all():
        if not (numbers[target] % 1 == 0).all():
            return "regression", Decision("task", "regression", f"{target} has fractions")
        if distinct > MOST_NUMBERED_CLASSES and (answers is None or answers.shape[1] == 1):
            return "regression", Decision("task", "regression", f"{target} has {distinct} different whole numbers")
    return "multiclass", Decision("task", "multiclass", f"{target} has {distinct} different values")


def work_out_classes(config: CompetitionConfig, train: pd.DataFrame, task: Task, target: str) -> tuple[str, ...]:
    """The classes of a binary or multiclass task in order: numbers by value, texts by letter, or as params.yaml says."""
    if task not in ("binary", "multiclass"):
        return ()
    seen = set(train[target])
    if len(seen) == 1:
        raise InputError(
            f"{target} has one value only, {min(seen)}: there is nothing to tell apart",
            mend="correct competition.path or competition.target; a folder of images needs one folder per class",
        )
    if config.classes:
        unknown = sorted(seen - set(config.classes))
        if unknown:
            raise InputError(
                f"values of {target} that competition.classes leaves out: {len(unknown)}",
                unknown,
                "add them, or leave classes out",
            )
        return config.classes
    if task == "binary" and len(seen) != 2:
        raise InputError(f"a binary task has two classes, but {target} has {len(seen)}", sorted(seen), "correct competition.task")
    try:
        return tuple(sorted(seen, key=float))
    except ValueError:
        return tuple(sorted(seen))


def work_out_answer(
    config: CompetitionConfig, task: Task, classes: tuple[str, ...], answers: pd.DataFrame | None
) -> tuple[Answer, Decision]:
    """What the submission holds: labels, probabilities or values."""
    if config.answer:
        return config.answer, Decision("answer", config.answer, GIVEN)
    if task == "regression":
        return "value", Decision("answer", "value", "a regression")
    if task == "multiclass" and answers is not None and answers.shape[1] > 1:
        return "probability", Decision("answer", "probability", "the sample submission has a column per class")
    if config.metric:
        needs = find_metric(config.metric, task).needs
        # A multiclass log loss without a column per class has no probabilities to be given.
        if needs == "label" or task != "multiclass":
            answer: Answer = "label" if needs == "label" else "probability"
            return answer, Decision("answer", answer, f"{config.metric} needs it")
    if answers is None or task == "multiclass":
        return "label", Decision(
            "answer", "label", "the sample submission has one column" if answers is not None else "the default"
        )
    known = set(classes) or {"0", "1"}
    if all(set(whole_number_labels(answers[column])) <= known for column in answers) and (
        task == "binary" or set(answers.to_numpy().ravel()) == known
    ):
        return "label", Decision("answer", "label", "the sample submission holds labels")
    return "probability", Decision("answer", "probability", "the sample submission holds other numbers than the labels")


def work_out_metric(config: CompetitionConfig, task: Task, answer: Answer) -> tuple[str, Decision]:
    """The competition's metric."""
    if config.metric:
        find_metric(config.metric, task)
        return config.metric, Decision("metric", config.metric, GIVEN)
    name = DEFAULT_METRICS.get((task, answer))
    if name is None:
        raise InputError(f"params.yaml: a {task} task has no answer of kind {answer}", mend="correct competition.answer or task")
    others = ", ".join(m.name for m in METRICS.values() if task in m.tasks and m.name != name)
    return name, Decision("metric", name, f"the default for a {task} task answered by a {answer}; also {others}")


def numeric_targets(train: pd.DataFrame, targets: tuple[str, ...], task: Task, source: str) -> pd.DataFrame:
    """The targets of a regression or multilabel task as numbers; raises InputError for those that are none."""
    numbers: pd.DataFrame = train[list(targets)].apply(pd.to_numeric, errors="coerce")
    for target in targets:
        good = numbers[target].isin([0, 1]) if task == "multilabel" else numbers[target].abs() < float("inf")
        bad = (~good).to_numpy().nonzero()[0].tolist()
        if len(bad):
            raise InputError(
                f"{source}: values of {target} that are not {'0 or 1' if task == 'multilabel' else 'finite numbers'}: {len(bad)}",
                [f"{line(position)}: {train[target].iloc[position]}" for position in bad],
                "correct them, or competition.task",
            )
    return numbers
