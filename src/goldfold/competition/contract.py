"""The sample submission as the contract of the answer: its ids, its columns, and what it can ask for."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from goldfold.competition.classes import split_labels
from goldfold.competition.ids import as_asked
from goldfold.competition.labels import LIST, as_classes
from goldfold.competition.problem import Problem
from goldfold.competition.tables import fields_of
from goldfold.config import Answer
from goldfold.errors import InputError


def ids_of(sample: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """The ids of a sample submission: its first column, or its columns `keys` joined by _."""
    return joined(sample, keys) if keys else sample.iloc[:, 0]


def asked_columns(sample: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """The columns of a sample submission that a submission fills in."""
    return [name for name in sample.columns if name not in keys] if keys else list(sample.columns[1:])


def joined(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Each row's texts in these columns, joined by _."""
    return pd.Series(["_".join(row) for row in zip(*(table[name].astype(str) for name in columns), strict=True)], table.index)


def answer_columns(problem: Problem) -> tuple[str, ...]:
    """The columns of an answer beside its id, one for each class, label or target."""
    if problem.answer_names:
        return problem.answer_names
    if problem.pair_id:
        return ("value",)
    if problem.answer in ("ranking", "set"):
        return ("_".join(problem.targets) if len(problem.targets) == 1 else "labels",)
    if problem.answer == "confidence":
        return (*problem.targets, "Confidence")
    if problem.task == "multilabel" or (problem.task == "multiclass" and problem.answer == "probability"):
        return problem.names
    return problem.targets


def pair_ids(problem: Problem, ids: pd.Series) -> pd.DataFrame:
    """The ids of the answers, one for each (id, label) pair, (n, labels), by the template competition.pair_id.

    Labels and ids that are whole numbers may be formatted as such, `{label:02d}`; leading zeros are dropped.
    """
    template = str(problem.pair_id)
    if set(fields_of(template)) != {"id", "label"}:
        raise InputError(
            f"params.yaml, competition.pair_id: {template} does not name both id and label", mend="write it as {id}_{label}"
        )
    try:
        rows = [[template.format(id=_number(i), label=_number(label)) for label in problem.names] for i in ids]
    except ValueError as error:
        raise InputError(f"params.yaml, competition.pair_id: {template} cannot be used: {error}", mend="correct it") from None
    return pd.DataFrame(rows, columns=list(problem.names)).replace(r"^0+(?=\d+$)", "", regex=True)


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and text == str(int(text)) else text


def test_as_asked(
    test: pd.DataFrame | None, sample: pd.DataFrame, keys: Sequence[str], id_column: str, by: str, path: Path | None
) -> tuple[pd.DataFrame, str]:
    """The test rows in the order of the sample submission's ids, which the column `by` holds, once or several times.

    Also returns what was bridged, where the two spell ids differently. Raises InputError where they differ otherwise.
    """
    ids = ids_of(sample, keys)
    if test is None or path is None:
        # Without a test table the sample submission's ids are the test set, whatever else lies in the test folder.
        if by != id_column:
            raise InputError(
                f"the sample submission's ids are values of {by}, and no test table says which rows share one",
                mend="put test.csv beside it, or name it in competition.test",
            )
        return pd.DataFrame({id_column: ids}), ""
    test_ids, bridged = as_asked(test[by], ids, path)
    order = pd.Series(range(len(ids)), index=ids)[list(test_ids)].to_numpy()
    return test.assign(**{by: test_ids}).iloc[order.argsort(kind="stable")].reset_index(drop=True), bridged


def require_answerable(problem: Problem, sample: pd.DataFrame) -> None:
    """Raise InputError where the sample submission asks for labels or columns that the training table does not have."""
    columns, wanted = asked_columns(sample, problem.keys), answer_columns(problem)
    if problem.answer in ("label", "ranking", "set") and problem.names != problem.targets and len(columns) == 1:
        several = problem.answer != "label"
        if several and sample[columns[0]].str.fullmatch(LIST).any():
            raise InputError(
                f"the sample submission writes the labels of a row as a list, {sample[columns[0]].iloc[0]}: goldfold writes them "
                f"with {problem.mark!r} between them",
                mend="write a sample submission with such marks, and rewrite submission.csv before you send it",
            )
        column = as_classes(sample[columns[0]], problem.classes or problem.grades)
        labels = {label for row in split_labels(column, problem.mark) for label in row} if several else set(column)
        unseen = sorted(labels - {"", *problem.classes, *problem.grades})
        if unseen:
            raise InputError(
                f"labels in the sample submission that are not in the training table: {len(unseen)}",
                unseen,
                f"the training table has {', '.join((problem.classes or problem.grades)[:20])}; correct competition.target, or "
                "set competition.answer: probability if the competition asks for one",
            )
    by_name = problem.answer == "probability" and problem.classes and problem.task != "binary" and not problem.pair_id
    if by_name and set(columns) != set(wanted):
        raise InputError(
            "the sample submission's columns are not the classes of the training table",
            [*(f"{c} is in the sample only" for c in columns if c not in wanted)]
            + [f"{c} is in the training table only" for c in wanted if c not in columns],
            "correct competition.target, or make the classes and columns match",
        )
    if len(columns) != len(wanted):
        raise InputError(
            f"the sample submission asks for {len(columns)} columns, but there are {len(wanted)} targets",
            columns,
            "name as many columns in competition.target",
        )


def require_writable(problem: Problem) -> None:
    """Raise InputError for labels that contain the separator of an answer's labels."""
    if problem.answer in ("ranking", "set"):
        broken = [label for label in problem.names if problem.mark in label]
        if broken:
            raise InputError(
                f"an answer separates its labels by {problem.mark!r}, which {len(broken)} labels contain",
                broken,
                "rename these labels",
            )


def require_shared(problem: Problem, train: pd.DataFrame) -> None:
    """Raise InputError for rows that share an answer but have different targets."""
    if not problem.answer_id:
        return
    targets = list(problem.targets)
    differ = train.groupby(problem.answer_id)[targets].nunique().max(axis=1) > 1
    if differ.any():
        raise InputError(
            f"rows that share an answer ({problem.answer_id}) with different targets: {int(differ.sum())} answers",
            [f"{problem.answer_id} {key}" for key in differ.index[differ]],
            "correct competition.answer_id, or the targets",
        )


def default_sample(test: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """A sample submission for a competition that ships none."""
    first = problem.names[0]
    filler: dict[Answer, str] = {
        "label": first if problem.classes else (*problem.grades, "0")[0],
        "probability": "0.5",
        "value": "0",
        "ranking": first,
        "set": "",
        "confidence": "0",
        "mask": problem.mask_form.empty,
    }
    by = problem.answer_id or problem.id
    ids = test[by].drop_duplicates().reset_index(drop=True)
    if problem.pair_id:
        by, ids = "id", pd.Series(pair_ids(problem, ids).to_numpy().ravel())
    return pd.DataFrame({by: ids, **dict.fromkeys(answer_columns(problem), filler[problem.answer])})
