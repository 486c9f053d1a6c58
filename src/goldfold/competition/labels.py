"""Labels: one spelling for each, and the sample submission's where it has another."""

import ast
import functools
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from goldfold.competition.decision import Decision
from goldfold.competition.tables import line
from goldfold.competition.task import EMPTY_LABELS
from goldfold.config import Task
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.schema import Column, work_out_column
from goldfold.schema.column import stripped, stripped_cells
from goldfold.schema.kinds import FEW_NUMBERS, MISSING, NEARLY_ALL, TRUTHS
from goldfold.schema.numbers import NumberFormat, canonical, read_numbers

SPELLED: Sequence[Callable[[str], str]] = (
    *(str.upper, str.lower, str.capitalize, str.title),
    functools.partial(unicodedata.normalize, "NFD"),
)
MOMENTS = ("date", "time", "duration")
RARE = 0.05
"""The share of rows up to which a word such as ? is more probably a missing label than a class."""
LIST = r"[\[({].*[\])}]|set\(\)"
"""What Python or JSON writes of a list, a tuple or a set."""
MARKS = (" ", "|", ";", ",", "\n")


class Labels(NamedTuple):
    """A target's cells, what was changed in them, and what separates the labels of a cell that was a list."""

    cells: pd.Series
    decisions: list[Decision]
    separator: str | None = None


def one_spelling(labels: pd.Series, renamed: Mapping[str, str], task: Task | None = None, asked: Collection[str] = ()) -> Labels:
    """Return a target's cells with one spelling for each label.

    Spaces around labels and forms of Unicode are never meant; 1, 1.0 and 01 are one label; numbers written with a unit or a
    decimal comma become plain ones; a list such as ['a', 'b'] becomes its labels. `renamed` says what a label is to be called.
    Raises QuestionError for labels that differ by their case alone unless all are `asked`, and InputError for a few words among
    numbers where no `task` says what is meant, and for percentages where answers are `asked`.
    """
    name, decisions = str(labels.name), []
    clean = pd.Series(stripped(labels).to_pandas().to_numpy(), labels.index, dtype="str", name=name)
    clean = clean.map(lambda label: unicodedata.normalize("NFC", label)).astype("str")
    changed = int((clean != labels).sum())
    if changed:
        decisions.append(Decision("labels", f"{changed} of {name} cleaned", "spaces around them, or another form of Unicode"))
    lists = _lists(clean, renamed)
    if lists is not None:
        decisions.append(Decision("labels", f"lists in {name}", f"written as Python or JSON writes them: {clean.iloc[0]}"))
        return Labels(lists[0], decisions, lists[1])
    if renamed:
        clean = clean.map(lambda label: renamed.get(label, label)).astype("str")
    column = work_out_column(name, stripped_cells([clean]))
    if column.kind == "number" and column.format.get("after") == "%" and asked:
        raise InputError(
            f"{name} is written in %: is {clean.iloc[0]} to be answered as that, as its number, or as a share of 1?",
            mend=f"write {name} in the training table as the sample submission has it",
        )
    if column.kind in MOMENTS and task is None and clean.nunique() > 2:
        raise QuestionError(
            f"{name} is a {column.kind}, such as {clean.iloc[0]}: goldfold predicts labels and numbers. Write it as a number, "
            "such as the days or seconds since the first, in the training table; or are these labels?",
            [Reply("task", "multiclass", f"each of {clean.nunique()} is a label")],
        )
    if column.kind == "number" and not column.odd_cells and not column.missing:
        return _as_numbers(clean, NumberFormat.from_json(column.format), column.why, decisions)
    if column.kind == "number" and task is None:
        _require_numbers(clean, column)
    _require_one_case(clean, {*renamed.values(), *asked})
    return Labels(clean, decisions)


def as_the_sample(
    labels: pd.Series, asked: pd.Series, renamed: Mapping[str, str], only_labels: bool = False
) -> tuple[pd.Series, list[Decision]]:
    """Return labels as the sample submission spells them, in another case or another number's form, where it has all of them so.

    `only_labels` says that the answer is certainly a label. Raises QuestionError where the sample holds words that are no
    labels, or 0 and 1 for labels that are words.
    """
    ours, theirs = set(labels) - {""}, set(asked.str.strip()) - {""}
    if theirs <= ours or len(ours) > len(labels) / 2:
        return labels, []
    for spelled in (*SPELLED, *_numbers_as(theirs)):
        names = {label: spelled(label) for label in ours}
        if theirs <= set(names.values()) and len(set(names.values())) == len(ours):
            differing = next(label for label in sorted(ours) if names[label] != label)
            why = f"{differing} is {names[differing]} in the sample submission"
            return labels.map({"": "", **names}).astype("str"), [Decision("labels", "the sample's spelling", why)]
    if len(ours) == 2 and not _are_numbers(ours) and {_plain(text) for text in theirs} <= {"0", "1"}:
        _require_numbered(labels, asked, only_labels)
    several = {label for text in theirs for label in re.split(r"[ ,;|]+", text)}
    if _are_numbers(theirs) or several <= ours:
        return labels, []
    guess = _by_initial(ours, theirs)
    if theirs & ours or len(guess) < len(ours):
        return labels, []
    unknown = sorted(theirs - ours)
    raise QuestionError(
        f"the sample submission has {', '.join(unknown[:5])} in {asked.name}, and the training table has "
        f"{', '.join(sorted(ours)[:5])} in {labels.name}: which label is which?",
        [
            Reply("labels", guess, "the training table's labels in the sample's words"),
            Reply("answer", "probability", "the sample's words are fillers, and a probability is asked for"),
        ],
    )


def require_meant(labels: pd.Series, renamed: Mapping[str, str], asked: Collection[str]) -> None:
    """Raise QuestionError for a rare label such as ? or n/a among words, which may be one that is missing.

    Labels that are numbers, that `renamed` names or that the sample submission asks for are meant.
    """
    counts = labels[labels != ""].value_counts()
    words = [label for label in counts.index if label.casefold() in MISSING and label not in {*renamed.values(), *asked}]
    rare = [label for label in words if counts[label] <= RARE * len(labels)]
    if rare and len(counts) > len(rare) + 1:
        raise QuestionError(
            f"{labels.name} is {', '.join(map(repr, rare))} in {counts[rare].sum()} of {len(labels)} training rows: is that a "
            "label, or is it missing? Remove these rows if it is",
            [Reply("labels", {label: label for label in rare}, "a label like the others")],
            [f"{line(int(row))}: {labels.iloc[row]!r}" for row in np.flatnonzero(labels.isin(rare))],
        )


def truths_as_numbers(targets: pd.DataFrame) -> tuple[pd.DataFrame, list[Decision]]:
    """Return several target columns with 0 and 1 for the words of one boolean, such as False and True; others as they are."""
    words = set(targets.stack().str.casefold())
    pair = next((pair for pair in TRUTHS if words and words <= set(pair)), None)
    if pair is None:
        return targets, []
    numbers = targets.apply(lambda column: column.str.casefold().map({pair[0]: "0", pair[1]: "1"})).astype("str")
    why = f"{len(targets.columns)} target columns of these words"
    return numbers, [Decision("labels", f"{pair[0]} is 0, {pair[1]} is 1", why)]


def as_classes(labels: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Return labels as the classes are spelt, where they differ by case or a number's form; others as they are."""

    def form(label: str) -> str:
        return _plain(label).casefold()

    forms = {form(label): label for label in classes}
    if len(forms) < len(classes):
        return labels
    return labels.map({label: forms.get(form(label), label) for label in labels.unique()}).astype("str")


def _as_numbers(clean: pd.Series, format: NumberFormat, why: str, decisions: list[Decision]) -> Labels:
    """Numbers in one spelling each: as they are written, or plainly where one number is spelt in several ways."""
    filled = clean != ""
    plain = canonical(read_numbers(stripped(clean), format)).set_axis(clean.index)
    several = pd.Series(clean[filled]).nunique() > plain[filled].nunique()
    pointed = bool(clean[filled].str.fullmatch(r"-?\d+\.0+").all())
    if format != NumberFormat():
        decisions.append(Decision("target", f"{clean.name}: numbers", why))
    elif several:
        decisions.append(Decision("labels", f"{clean.name}: as numbers", "some are written in several ways, such as 1 and 1.0"))
    is_plain = format == NumberFormat() and not several and not pointed
    return Labels(clean if is_plain else plain.rename(str(clean.name)), decisions)


def _require_numbers(labels: pd.Series, column: Column) -> None:
    """Raise InputError for a target that is numbers but for a few cells; a few numbers among words are labels."""
    numbers = column.read(labels)
    odd = np.flatnonzero(numbers.isna() & ~labels.isin(EMPTY_LABELS))
    if len(odd) and (len(odd) <= (1 - NEARLY_ALL) * len(labels) or numbers.nunique() > FEW_NUMBERS):
        raise InputError(
            f"{labels.name} holds numbers but for {len(odd)} of {len(labels)} training rows",
            [f"{line(int(row))}: {labels.iloc[row]!r}" for row in odd],
            "correct or remove these rows; or say that all are classes, competition.task: multiclass",
        )


def _require_one_case(labels: pd.Series, meant: Collection[str]) -> None:
    """Raise QuestionError for labels that differ by their case alone, unless all are `meant`."""
    counts = labels[labels != ""].value_counts()
    spellings: dict[str, list[str]] = {}
    for label in counts.index:
        spellings.setdefault(label.casefold(), []).append(label)
    several = [labels for labels in spellings.values() if len(labels) > 1 and not set(labels) <= set(meant)]
    if several:
        merged = {other: first for first, *others in several for other in others}
        kept = {label: label for labels in several for label in labels}
        raise QuestionError(
            f"labels of {labels.name} differ by their case alone: {len(several)}",
            [
                Reply("labels", merged, "one label, in its more frequent spelling"),
                Reply("labels", kept, "different labels"),
            ],
            [", ".join(f"{label} in {counts[label]} rows" for label in labels) for labels in several],
        )


def _lists(cells: pd.Series, renamed: Mapping[str, str]) -> tuple[pd.Series, str] | None:
    """Cells that are all lists as Python or JSON writes them, joined by a mark that no label holds, and it; None for others."""
    filled = cells[cells != ""]
    if filled.empty or not filled.str.fullmatch(LIST).all():
        return None
    try:
        rows = {cell: [str(label).strip() for label in ast.literal_eval(cell)] for cell in filled.unique()}
        rows = {cell: [renamed.get(label, label) for label in row] for cell, row in rows.items()}
    except (ValueError, SyntaxError, TypeError):
        return None
    labels = {label for row in rows.values() for label in row}
    mark = next((mark for mark in MARKS if not any(mark in label for label in labels)), " ")
    return cells.map({cell: mark.join(row) for cell, row in rows.items()} | {"": ""}).astype("str"), mark


def _require_numbered(labels: pd.Series, asked: pd.Series, only_labels: bool) -> None:
    """Raise QuestionError for two words of which the sample submission writes 0 and 1, or 0 alone."""
    first, second = _by_truth(sorted(set(labels) - {""}))
    numbered = Reply("labels", {first: "0", second: "1"}, f"labels are asked for, and 1 is {second}")
    swapped = Reply("labels", {first: "1", second: "0"}, f"labels are asked for, and 1 is {first}")
    probability = Reply("answer", "probability", f"the probability of {second} is asked for; competition.classes has it last")
    written = " and ".join(sorted(set(asked)))
    raise QuestionError(
        f"the sample submission has {written} in {asked.name}, and {labels.name} is {first} or {second} in the training table: "
        "which is which?",
        [numbered, swapped] if only_labels else [numbered, swapped, probability],
    )


def _by_truth(words: Sequence[str]) -> Sequence[str]:
    """Two words in order, the true one of a boolean second."""
    folded = tuple(word.casefold() for word in words)
    return words[::-1] if folded[::-1] in TRUTHS else words


def _numbers_as(theirs: set[str]) -> Sequence[Callable[[str], str]]:
    """Spellings of numbers: plain, or with the point that the sample's have."""
    return [_plain, lambda label: f"{_plain(label)}.0"] if _are_numbers(theirs) else []


def _plain(label: str) -> str:
    try:
        return str(canonical(np.array([float(label)]))[0])
    except ValueError:
        return label


def _are_numbers(texts: set[str]) -> bool:
    return bool(pd.to_numeric(pd.Series(sorted(texts), dtype="str"), errors="coerce").notna().all())


def _by_initial(ours: set[str], theirs: set[str]) -> dict[str, str]:
    """Which of our labels is which of theirs, by the first letter, else in order; fewer pairs where there are fewer of theirs."""
    pairs = {label: word for label in sorted(ours) for word in sorted(theirs) if label[:1].casefold() == word[:1].casefold()}
    return pairs if len(pairs) == len(ours) else dict(zip(sorted(ours), sorted(theirs), strict=False))
