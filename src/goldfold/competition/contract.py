"""The sample submission as the contract of the answer: its ids, its columns, and what it can ask for."""

import string
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from goldfold.competition.images import IMAGE_SUFFIXES
from goldfold.competition.problem import Problem
from goldfold.competition.task import split_labels, whole_number_labels
from goldfold.config import Answer
from goldfold.errors import InputError


def ids_of(sample: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """The ids of a sample submission: its first column, or its columns `keys` joined by _."""
    return joined(sample, keys) if keys else sample.iloc[:, 0]


def asked_columns(sample: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """The columns of a sample submission that are to be answered."""
    return [name for name in sample.columns if name not in keys] if keys else list(sample.columns[1:])


def joined(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The texts of columns, joined by _."""
    return pd.Series(["_".join(row) for row in zip(*(table[name].astype(str) for name in columns), strict=True)], table.index)


def fields_of(template: str) -> list[str]:
    """The columns that a template such as `{patient}_{side}` fills in."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def filled(table: pd.DataFrame, template: str) -> list[str]:
    """A template filled in by each row."""
    fields = fields_of(template)
    return [template.format(**dict(zip(fields, row, strict=True))) for row in zip(*(table[f] for f in fields), strict=True)]


def answer_columns(problem: Problem) -> tuple[str, ...]:
    """The columns of an answer beside its id: a class, a label or a target each."""
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
    """The ids of the answers of each (id, label) pair, (n, labels), as competition.pair_id makes them.

    Labels and ids that are whole numbers may be formatted as such, `{label:02d}`; zeros at the front are left out.
    """
    template = str(problem.pair_id)
    if set(fields_of(template)) != {"id", "label"}:
        raise InputError(f"params.yaml, competition.pair_id: {template} is not made of an id and a label", mend="{id}_{label}")
    try:
        rows = [[template.format(id=_number(i), label=_number(label)) for label in problem.names] for i in ids]
    except ValueError as error:
        raise InputError(f"params.yaml, competition.pair_id: {template} cannot be filled in: {error}", mend="mend it") from None
    return pd.DataFrame(rows, columns=list(problem.names)).replace(r"^0+(?=\d+$)", "", regex=True)


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and text == str(int(text)) else text


def test_as_asked(
    test: pd.DataFrame | None, sample: pd.DataFrame, keys: Sequence[str], id_column: str, by: str, path: Path | None
) -> pd.DataFrame:
    """The test rows in the order of the sample submission's ids, which are in the column `by`, once each or several times.

    Ids may differ by the extension of an image. Raises InputError where the two differ otherwise.
    """
    ids = ids_of(sample, keys)
    if test is None or path is None:
        # Without a test table the sample submission's ids are the test set, whatever else lies in the test folder.
        if by != id_column:
            raise InputError(
                f"the sample submission's ids are those of {by}, and there is no test table that says which rows share one",
                mend="put test.csv beside it, or name it in competition.test",
            )
        return pd.DataFrame({id_column: ids})
    known = _extensions_as(test[by], ids)
    require_same_ids(ids, known, path)
    order = pd.Series(range(len(ids)), index=ids)[list(known)].to_numpy()
    return test.assign(**{by: known}).iloc[order.argsort(kind="stable")].reset_index(drop=True)


def require_same_ids(asked: pd.Series, known: pd.Series, path: Path) -> None:
    """Raise InputError, naming them, for ids of the sample submission or the test table that the other does not have."""
    missing, unasked = sorted(set(asked) - set(known)), sorted(set(known) - set(asked))
    if missing or unasked:
        raise InputError(
            f"{path} and the sample submission differ in {len(missing) + len(unasked)} ids",
            [*(f"{i} is in the sample submission only" for i in missing), *(f"{i} is in {path.name} only" for i in unasked)],
            "complete the one that is short, or name the right files in competition.test and sample_submission",
        )


def _extensions_as(ids: pd.Series, asked: pd.Series) -> pd.Series:
    """Ids with or without the extension of an image, as the sample submission writes them."""
    if set(ids) & set(asked):
        return ids
    stems = ids.map(lambda i: Path(i).stem if Path(i).suffix.lower() in IMAGE_SUFFIXES else i)
    written = {(Path(i).stem if Path(i).suffix.lower() in IMAGE_SUFFIXES else i): i for i in asked}
    return stems.map(written) if set(stems) == set(written) else ids


def require_answerable(problem: Problem, sample: pd.DataFrame) -> None:
    """Raise InputError where the sample submission asks for what the training table cannot teach."""
    columns, wanted = asked_columns(sample, problem.keys), answer_columns(problem)
    if problem.answer in ("label", "ranking", "set") and problem.names != problem.targets and len(columns) == 1:
        parted = problem.answer != "label"
        shown = whole_number_labels(sample[columns[0]])
        labels = {label for row in split_labels(shown, problem.separator) for label in row} if parted else set(shown)
        unseen = sorted(labels - set(problem.classes or problem.grades))
        if unseen:
            known = ", ".join((problem.classes or problem.grades)[:20])
            raise InputError(
                f"labels in the sample submission that the training table never shows: {len(unseen)}",
                unseen,
                f"training knows {known}; correct competition.target, or set competition.answer: "
                "probability if the competition asks for one",
            )
    by_name = problem.answer == "probability" and problem.classes and problem.task != "binary" and not problem.pair_id
    if by_name and set(columns) != set(wanted):
        raise InputError(
            "the sample submission's columns are not the classes of the training table",
            [*(f"{c} is in the sample only" for c in columns if c not in wanted)]
            + [f"{c} is in the training table only" for c in wanted if c not in columns],
            "correct competition.target, or bring the classes and columns into line",
        )
    if len(columns) != len(wanted):
        raise InputError(
            f"the sample submission asks for {len(columns)} columns, but the targets are {len(wanted)}",
            columns,
            "name as many columns in competition.target",
        )


def require_writable(problem: Problem) -> None:
    """Raise InputError where labels cannot be told apart in a text of several."""
    if problem.answer in ("ranking", "set"):
        broken = [label for label in problem.names if problem.separator in label]
        if broken:
            raise InputError(
                f"the answer parts labels by spaces, which {len(broken)} labels have themselves", broken, "rename these labels"
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
    }
    by = problem.answer_id or problem.id
    ids = test[by].drop_duplicates().reset_index(drop=True)
    if problem.pair_id:
        by, ids = "id", pd.Series(pair_ids(problem, ids).to_numpy().ravel())
    return pd.DataFrame({by: ids, **dict.fromkeys(answer_columns(problem), filler[problem.answer])})
