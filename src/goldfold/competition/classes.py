"""The classes that a target's labels are, and the sample submission's columns for them."""

import re
from collections.abc import Collection, Sequence

import pandas as pd

from goldfold.competition.spelling import shared_end, shared_start
from goldfold.config import Answer, CompetitionConfig, Component, Task
from goldfold.errors import InputError, QuestionError, Reply

MOST_NUMBERED_CLASSES = 50
"""Different whole numbers from which they are amounts where they leave gaps."""
SEPARATORS = (",", "|", ";", " ")


def work_out_separator(train: pd.DataFrame, task: Task, targets: tuple[str, ...]) -> str:
    """What separates a multilabel task's labels in its one target column: the first of , | ; that occurs, else a space."""
    if task != "multilabel" or len(targets) > 1:
        return " "
    return next((mark for mark in SEPARATORS if train[targets[0]].str.contains(mark, regex=False).any()), " ")


def work_out_classes(
    config: CompetitionConfig, train: pd.DataFrame, task: Task, targets: tuple[str, ...], separator: str
) -> tuple[str, ...]:
    """The classes in order: numbers by value, texts by letter, columns of votes as they come, or as in params.yaml.

    A multilabel task has classes only where one column holds its labels, and a regression and masks have none.
    """
    target = targets[0]
    if len(targets) > 1:
        return targets if task == "multiclass" else ()
    if task in ("regression", "masks"):
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


def asked_separator(answers: pd.Series, labels: Collection[str]) -> str | None:
    """The mark by which cells of a sample submission are several of these labels each; None where each is one."""
    cells = pd.Series(answers.unique())
    for mark in SEPARATORS if not cells.isin(labels).all() else ():
        rows = split_labels(cells, mark)
        if max(map(len, rows), default=0) > 1 and {label for row in rows for label in row} <= set(labels):
            return mark
    return None


def columns_by_class(
    config: CompetitionConfig, task: Task, classes: tuple[str, ...], answers: pd.DataFrame | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes in order, and the sample submission's columns for them where those have a prefix, a suffix or another case.

    Of a binary task the sample may have one column of the two, whose class is the positive one. Raises QuestionError for a
    sample that also has columns of classes which no training row has.
    """
    columns = list(answers.columns) if answers is not None else []
    if task not in ("binary", "multiclass") or not classes or (task == "multiclass" and set(columns) == set(classes)):
        return classes, ()
    if len(columns) == len(classes):
        for form in (str.casefold, _letters):
            bare = {form(name): column for name, column in zip(bare_names(columns), columns, strict=True)}
            if len(bare) == len(classes) and set(bare) == set(map(form, classes)):
                return classes, tuple(bare[form(label)] for label in classes)
    if task == "multiclass" and len(columns) > len(classes):
        names = {label.casefold(): label for label in classes}
        bare = dict(zip(bare_names(columns), columns, strict=True))
        unseen = [bare[name] for name in bare if name.casefold() not in names]
        if set(names) <= set(map(str.casefold, bare)):
            raise QuestionError(
                f"the sample submission asks for {', '.join(unseen[:10])}, which no training row has",
                [Reply("classes", [names.get(name.casefold(), name) for name in bare], "also classes that training never sees")],
            )
    if task == "binary" and len(columns) == 1 and not config.classes:
        positive = [label for label in classes if _is_called(columns[0], label)]
        if len(positive) == 1:
            (label,) = positive
            return tuple(sorted(classes, key=lambda other: other == label)), tuple(columns)
    return classes, ()


def _letters(name: str) -> str:
    """A name without case and marks, New York for new_york."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _is_called(column: str, label: str) -> bool:
    """Whether a column is called after a label, by its first or last word: cat, is_cat, cat_probability."""
    return bool(re.search(rf"(?:^|[_\W]){re.escape(label)}$|^{re.escape(label)}[_\W]", column, re.IGNORECASE))


def bare_names(columns: Sequence[str]) -> list[str]:
    """Column names without the prefix and suffix that all have, in any case, up to a mark between words."""
    before = re.match(r".*[_\W]|[a-z]*", shared_start([name.casefold() for name in columns]))
    bare = [name[before.end() :] for name in columns] if before else list(columns)
    after = re.search(r"[_\W].*$|$", shared_end([name.casefold() for name in bare]))
    return [name[: len(name) - len(after[0])] for name in bare] if after else bare
