"""Working out what a competition asks for, from its tables."""

from dataclasses import dataclass

import pandas as pd

from goldfold.competition.tables import line
from goldfold.config import Answer, CompetitionConfig, Component, Task
from goldfold.errors import InputError
from goldfold.metrics import find_metric

EMPTY_LABELS = {"", "nan", "NaN"}
MOST_NUMBERED_CLASSES = 50
SEPARATORS = (",", "|", ";", " ")
DEFAULT_METRICS: dict[tuple[Task, Answer], str] = {
    ("binary", "label"): "accuracy",
    ("binary", "probability"): "roc_auc",
    ("multiclass", "label"): "accuracy",
    ("multiclass", "probability"): "log_loss",
    ("multilabel", "label"): "f1_micro",
    ("multilabel", "probability"): "roc_auc",
    ("multiclass", "ranking"): "map_at_k",
    ("multilabel", "ranking"): "map_at_k",
    ("multilabel", "set"): "f1_micro",
    ("regression", "value"): "rmse",
    ("regression", "label"): "quadratic_weighted_kappa",
    ("regression", "confidence"): "laplace_log_likelihood",
}


@dataclass(frozen=True)
class Decision:
    """A choice made for the competitor: the setting, what was chosen, and why."""

    setting: str
    value: str
    why: str


FROM_PARAMS = "as params.yaml says"


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
        return config.task, Decision("task", config.task, FROM_PARAMS)
    numbers = train[list(targets)].apply(pd.to_numeric, errors="coerce")
    if len(targets) > 1:
        if numbers.isin([0, 1]).to_numpy().all():
            if (numbers.sum(axis=1) == 1).all():
                return "multiclass", Decision(
                    "task", "multiclass", f"each row has a single 1 among {len(targets)} target columns"
                )
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


def work_out_separator(train: pd.DataFrame, task: Task, targets: tuple[str, ...]) -> str:
    """What separates a multilabel task's labels in its one target column: the first of , | ; that occurs, else a space."""
    if task != "multilabel" or len(targets) > 1:
        return " "
    return next((mark for mark in SEPARATORS if train[targets[0]].str.contains(mark, regex=False).any()), " ")


def work_out_classes(
    config: CompetitionConfig, train: pd.DataFrame, task: Task, targets: tuple[str, ...], separator: str
) -> tuple[str, ...]:
    """The classes in order: numbers by value, texts by letter, columns of votes as they come, or as in params.yaml.

    A multilabel task has classes only where one column holds its labels, and a regression has none.
    """
    target = targets[0]
    if len(targets) > 1:
        return targets if task == "multiclass" else ()
    if task == "regression":
        return ()
    if task == "multilabel":
        seen = {label for labels in split_labels(train[target], separator) for label in labels}
    else:
        seen = set(train[target])
    if len(seen) < 2:
        raise InputError(
            f"{target} has one value only, {', '.join(seen)}: there is nothing to predict",
            mend="correct competition.path or competition.target; a folder of images needs one folder per class",
        )
    if config.classes:
        unknown = sorted(seen - set(config.classes))
        if unknown:
            raise InputError(
                f"values of {target} that are not in competition.classes: {len(unknown)}",
                unknown,
                "add them, or leave classes out",
            )
        return config.classes
    if task == "binary" and len(seen) != 2:
        raise InputError(f"a binary task has two classes, but {target} has {len(seen)}", sorted(seen), "correct competition.task")
    return _in_order(seen)


def require_ordered(config: CompetitionConfig, task: Task, classes: tuple[str, ...], metric: Component) -> None:
    """Raise InputError where a metric weighs how far apart classes are, and their order is unknown."""
    weighs = metric.name.endswith("weighted_kappa") or (metric.name == "cohen_kappa" and metric.args.get("weights"))
    if task == "multiclass" and weighs and not config.classes and pd.to_numeric(pd.Series(classes), errors="coerce").isna().any():
        raise InputError(
            f"{metric.name} weighs mistakes by how far apart the classes are, and words have no order",
            list(classes),
            "list them from the lowest to the highest: competition.classes: [low, middle, high]",
        )


def work_out_grades(train: pd.DataFrame, task: Task, answer: Answer, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that the values of a regression are rounded to, where it is answered by labels."""
    if task != "regression" or answer != "label":
        return ()
    grades = _in_order(set(train[targets[0]]))
    if len(targets) > 1 or len(grades) > MOST_NUMBERED_CLASSES:
        what = f"{len(targets)} targets" if len(targets) > 1 else f"{len(grades)} different values of {targets[0]}"
        raise InputError(
            f"a regression is answered by labels (its metric needs them), but there are {what}",
            mend=f"give one target of at most {MOST_NUMBERED_CLASSES} grades, or another competition.metric or answer",
        )
    return grades


def _in_order(labels: set[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))


def split_labels(sets: pd.Series, separator: str) -> list[list[str]]:
    """The labels in each text, without the spaces around them."""
    return [[label for part in text.split(separator) if (label := part.strip())] for text in sets]


def work_out_answer(
    config: CompetitionConfig, task: Task, targets: tuple[str, ...], classes: tuple[str, ...], answers: pd.DataFrame | None
) -> tuple[Answer, Decision]:
    """What the submission holds. `answers` are the sample submission's columns but the id."""

    def decided(answer: Answer, why: str) -> tuple[Answer, Decision]:
        return answer, Decision("answer", answer, why)

    if config.answer:
        return decided(config.answer, FROM_PARAMS)
    needs = find_metric(config.metric.name, task).needs if config.metric else None
    asked = answers.shape[1] if answers is not None else 0
    needed = f"{config.metric.name} needs it" if config.metric else ""
    if task == "regression":
        if needs == "label":
            return decided("label", needed)
        if len(targets) == 1 and asked == 2:
            return decided("confidence", "the sample submission has a column beside the target")
        return decided("value", "a regression")
    if config.pair_id:
        return decided("label", needed) if needs == "label" else decided("probability", "a row per id and label")
    if task == "multiclass" and asked > 1:
        return decided("probability", "the sample submission has a column per class")
    if needs == "ranking":
        return decided("ranking", needed)
    if task == "multilabel" and (asked == 1 or (not asked and classes)) and len(classes or targets) > 1:
        return decided("set", "the sample submission has one column for all labels" if asked else "the default")
    # A multiclass log loss without a column per class has no probabilities to be given.
    if needs and (needs == "label" or task != "multiclass"):
        return decided("label" if needs == "label" else "probability", needed)
    if task == "multiclass" and answers is not None and _are_rankings(answers.iloc[:, 0], classes):
        return decided("ranking", "the sample submission holds several labels in a row")
    if answers is None or task == "multiclass":
        return decided("label", "the sample submission has one column" if answers is not None else "the default")
    labels = set(classes) if task == "binary" else {"0", "1"}
    if all(set(whole_number_labels(answers[column])) <= labels for column in answers) and (
        task == "binary" or set(answers.to_numpy().ravel()) == labels
    ):
        return decided("label", "the sample submission holds labels")
    return decided("probability", "the sample submission holds other numbers than the labels")


def _are_rankings(answers: pd.Series, classes: tuple[str, ...]) -> bool:
    """Whether texts hold several classes each."""
    names, rows = set(classes), split_labels(answers, " ")
    return not set(answers) <= names and all(set(row) <= names for row in rows) and max(map(len, rows)) > 1


def work_out_metric(config: CompetitionConfig, task: Task, answer: Answer) -> tuple[Component, Decision]:
    """The competition's metric, with its arguments."""
    if config.metric:
        find_metric(config.metric.name, task, config.metric.args)
        args = ", ".join(f"{name}: {value}" for name, value in config.metric.args.items())
        return config.metric, Decision("metric", config.metric.name + (f" ({args})" if args else ""), FROM_PARAMS)
    name = DEFAULT_METRICS.get((task, answer))
    if name is None:
        raise InputError(f"params.yaml: a {task} task has no answer of kind {answer}", mend="correct competition.answer or task")
    why = f"the default for a {task} task answered by a {answer}; docs/metrics.md has all"
    return Component(name=name), Decision("metric", name, why)


def numeric_targets(train: pd.DataFrame, targets: tuple[str, ...], task: Task, source: str) -> pd.DataFrame:
    """The targets as numbers: values, labels of 0 and 1, or a multiclass task's votes; raises InputError for other texts, and
    for rows without a vote."""
    numbers: pd.DataFrame = train[list(targets)].apply(pd.to_numeric, errors="coerce")
    wanted = {"multilabel": "0 or 1", "multiclass": "votes from 0 up"}.get(task, "finite numbers")
    for target in targets:
        good = numbers[target].isin([0, 1]) if task == "multilabel" else numbers[target].abs() < float("inf")
        good &= (numbers[target] >= 0) | (task == "regression")
        bad = (~good).to_numpy().nonzero()[0].tolist()
        if len(bad):
            raise InputError(
                f"{source}: values of {target} that are not {wanted}: {len(bad)}",
                [f"{line(position)}: {train[target].iloc[position]}" for position in bad],
                "correct them, or competition.task",
            )
    empty = (numbers.sum(axis=1) == 0).to_numpy().nonzero()[0].tolist() if task == "multiclass" else []
    if empty:
        raise InputError(
            f"{source}: rows without a vote for any class: {len(empty)}", [line(p) for p in empty], "remove these rows"
        )
    return numbers
