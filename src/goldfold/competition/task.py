"""Working out what a competition asks for, from its tables."""

from collections import Counter

import pandas as pd

from goldfold.competition.classes import MOST_NUMBERED_CLASSES, SEPARATORS, asked_separator, split_labels
from goldfold.competition.decision import FROM_PARAMS, Decision
from goldfold.competition.tables import line
from goldfold.config import Answer, CompetitionConfig, Component, Task
from goldfold.config.data import LARGEST
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.metrics import find_metric

EMPTY_LABELS = {"", "nan", "NaN"}
FEW_CLASSES = 10
"""Different whole numbers up to which they are classes."""
MOST_CLASSES = 0.9
"""The share of training rows with a label of their own from which labels are no classes."""
NUMBERED = ("class", "label", "category", "species", "breed", "kind", "type", "id")
"""Words in the name of a target whose numbers are probably those of classes."""
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
    ("masks", "mask"): "mean_dice",
}


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
    if only := only_task(config):
        return only, Decision("task", only, f"{config.metric.name if config.metric else ''} scores nothing else")
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
    if answers is not None and answers.shape[1] > 1 and asked_separator(train[target], list(answers.columns)):
        return "multilabel", Decision("task", "multilabel", "rows hold several of the sample submission's columns")
    if answers is not None and answers.shape[1] > 2:
        return "multiclass", Decision("task", "multiclass", f"the sample submission has {answers.shape[1]} columns")
    if distinct == 2:
        return "binary", Decision("task", "binary", f"{target} has two values")
    if not numbers[target].notna().all():
        if distinct > MOST_CLASSES * len(train):
            raise InputError(
                f"{target} has {distinct} different texts in {len(train)} training rows: they are no classes",
                [str(text)[:80] for text in train[target].head(3)],
                "name another column in competition.target; texts as answers are not supported",
            )
        if _are_several(train[target], answers):
            return "multilabel", Decision("task", "multilabel", "the sample submission holds several labels in a row")
        return "multiclass", Decision("task", "multiclass", f"{target} has {distinct} different values")
    if not (numbers[target] % 1 == 0).all():
        return "regression", Decision("task", "regression", f"{target} has fractions")
    return _of_whole_numbers(config, numbers[target], answers)


def _are_several(labels: pd.Series, answers: pd.DataFrame | None) -> bool:
    """Whether labels are several ones put together by a mark, such as a, b and a|b, as the sample submission has them otherwise.

    Raises QuestionError where the sample does not tell.
    """
    distinct = set(labels)
    for mark in SEPARATORS:
        several = [label for label in distinct if mark in label.strip(mark)]
        parts = {part for row in split_labels(pd.Series(sorted(distinct), dtype="str"), mark) for part in row}
        labels_with = Counter(part for label in distinct for part in split_labels(pd.Series([label], dtype="str"), mark)[0])
        repeat = mark != " " and 2 * sum(times > 1 for times in labels_with.values()) >= len(parts)
        if not several or (len(parts) >= len(distinct) and not repeat):
            continue
        if answers is not None and not set(answers.iloc[:, 0]) <= distinct and asked_separator(answers.iloc[:, 0], parts):
            return True
        # Words of a name, as in barn owl, are rarely names themselves.
        if mark != " " or parts & distinct:
            raise QuestionError(
                f"{labels.name} holds {len(several)} labels such as {sorted(several)[0]!r}: are they one label, or several of "
                f"{len(parts)} separated by {mark!r}?",
                [
                    Reply("task", "multilabel", f"rows have several of {', '.join(sorted(parts)[:5])}"),
                    Reply("task", "multiclass", f"rows have one of {len(distinct)} labels"),
                ],
            )
    return False


def only_task(config: CompetitionConfig) -> Task | None:
    """The task of params.yaml, else the only one that its metric scores; None where neither tells."""
    tasks = find_metric(config.metric.name).tasks if config.metric else ()
    return config.task or (tasks[0] if len(tasks) == 1 else None)


def _of_whole_numbers(config: CompetitionConfig, values: pd.Series, answers: pd.DataFrame | None) -> tuple[Task, Decision]:
    """Whether whole numbers are amounts or numbered classes: by the metric, the sample submission, else by the numbers.

    Few of them that count on from 0 or 1 are classes; many, with gaps, are amounts. Raises QuestionError for those between.
    """
    target, distinct = str(values.name), values.nunique()

    def decided(task: Task, why: str) -> tuple[Task, Decision]:
        return task, Decision("task", task, why)

    if config.metric and "regression" not in find_metric(config.metric.name).tasks:
        return decided("multiclass", f"{config.metric.name} scores classes")
    if answers is not None and answers.shape[1] == 1:
        asked = pd.to_numeric(answers.iloc[:, 0], errors="coerce").dropna()
        if (asked % 1 != 0).any():
            return decided("regression", "the sample submission holds fractions")
    counting = bool(values.min() in (0, 1) and distinct == values.max() - values.min() + 1)
    if distinct <= FEW_CLASSES:
        return decided("multiclass", f"{target} has {distinct} different whole numbers")
    if distinct > MOST_NUMBERED_CLASSES and not counting:
        return decided("regression", f"{target} has {distinct} different whole numbers")
    amounts = Reply("task", "regression", "amounts, such as ages, counts or prices")
    classes = Reply("task", "multiclass", "numbered classes")
    named = any(word in target.casefold() for word in NUMBERED)
    raise QuestionError(
        f"{target} holds {distinct} whole numbers from {values.min():.0f} to {values.max():.0f}: are they amounts or classes?",
        [classes, amounts] if named else [amounts, classes],
    )


def work_out_answer(
    config: CompetitionConfig, task: Task, targets: tuple[str, ...], classes: tuple[str, ...], answers: pd.DataFrame | None
) -> tuple[Answer, Decision]:
    """What the submission holds. `answers` are the sample submission's columns but the id."""

    def decided(answer: Answer, why: str) -> tuple[Answer, Decision]:
        return answer, Decision("answer", answer, why)

    if config.answer:
        _require_answer(task, config.answer)
        return decided(config.answer, FROM_PARAMS)
    if task == "masks":
        return decided("mask", "run-length codes, as in training")
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
    if task == "multiclass" and answers is not None and asked_separator(answers.iloc[:, 0], classes):
        return decided("ranking", "the sample submission holds several labels in a row")
    if answers is None or task == "multiclass":
        return decided("label", "the sample submission has one column" if answers is not None else "the default")
    if task == "binary" and asked > 1:
        return decided("probability", "the sample submission has a column per class")
    labels = set(classes) if task == "binary" else {"0", "1"}
    labels = set(whole_number_labels(pd.Series(sorted(labels), dtype="str")))
    texts = answers.apply(whole_number_labels)
    filled = set(texts.to_numpy().ravel())
    if filled == labels or (filled <= labels and not filled <= {"0", "1"}):
        return decided("label", "the sample submission holds labels")
    if not filled <= {"0", "1"}:
        return decided("probability", "the sample submission holds other numbers than the labels")
    alone = " and ".join(sorted(filled - {""})) or "nothing"
    raise QuestionError(
        f"the sample submission holds {alone} alone: are labels asked for, or probabilities?",
        [
            Reply("answer", "label", "as accuracy or F1 needs them"),
            Reply("answer", "probability", "as ROC AUC or log loss needs them"),
        ],
    )


def _require_answer(task: Task, answer: Answer) -> None:
    if (task, answer) not in DEFAULT_METRICS:
        answers = ", ".join(other for one, other in DEFAULT_METRICS if one == task)
        mend = f"set competition.answer to one of {answers}, or correct competition.task"
        raise InputError(f"params.yaml: a {task} task has no answer of kind {answer}", mend=mend)


def work_out_metric(config: CompetitionConfig, task: Task, answer: Answer) -> tuple[Component, Decision]:
    """The competition's metric, with its arguments."""
    if config.metric:
        find_metric(config.metric.name, task, config.metric.args)
        args = ", ".join(f"{name}: {value}" for name, value in config.metric.args.items())
        return config.metric, Decision("metric", config.metric.name + (f" ({args})" if args else ""), FROM_PARAMS)
    name = DEFAULT_METRICS[task, answer]
    why = f"the default for a {task} task answered by a {answer}; docs/metrics.md has all"
    return Component(name=name), Decision("metric", name, why)


def numeric_targets(train: pd.DataFrame, targets: tuple[str, ...], task: Task, source: str) -> pd.DataFrame:
    """The targets as numbers: values, labels of 0 and 1, or a multiclass task's votes; raises InputError for other texts, and
    for rows without a vote."""
    numbers: pd.DataFrame = train[list(targets)].apply(pd.to_numeric, errors="coerce")
    wanted = {"multilabel": "0 or 1", "multiclass": "votes from 0 up"}.get(task, f"numbers within {LARGEST:g}")
    for target in targets:
        good = numbers[target].isin([0, 1]) if task == "multilabel" else numbers[target].abs() < LARGEST
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
