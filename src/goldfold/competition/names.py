"""Which columns are ids and targets, worked out from the tables' headers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import NamedTuple

import pandas as pd

from goldfold.competition.decision import FROM_PARAMS, Decision
from goldfold.competition.problem import Ids
from goldfold.competition.tables import require_columns
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.tables import TextTable

ROW = "row_number"
"""The id column of a table without one."""
MOST_SPACES = 2
"""Spaces in a text, on average, from which it is no id."""


@dataclass(frozen=True)
class Names:
    """The columns of ids and targets.

    `id` identifies a row; where several columns do, it joins these `parts`, of which the sample submission has the `keys`.
    `answer` identifies an answer that several rows may share, and `template` makes it of other columns. `tested` are the ids
    of the test table where it lacks the column `id`. `spread` says that the test table has a row for the first part alone, and
    the sample submission's ids tell the second.
    """

    id: str
    targets: tuple[str, ...]
    parts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    answer: str | None = None
    template: str = ""
    tested: str | None = None
    spread: bool = False


class Tables(NamedTuple):
    """The tables with their columns of ids, and how the sample submission has its own."""

    train: TextTable
    test: TextTable | None
    sample: TextTable | None
    ids: Ids = "named"


def with_their_ids(train: TextTable, test: TextTable | None, sample: TextTable | None) -> Tables:
    """Return the tables with the ids that stand in first columns without a name, where the sample submission asks for these."""
    if sample is None:
        return Tables(train, test, sample)
    sample, ids = with_ids(sample, test)
    asked = set(sample.cells.iloc[:, 0])
    if test is None:
        return Tables(_numbered(train) if ids == "unnamed" else train, test, sample, ids)
    is_id = ids != "order" and test.unnamed is not None and set(test.unnamed) == asked
    if is_id and not any(set(test.cells[name]) == asked for name in test.cells):
        train, test = _numbered(train), _numbered(test)
    return Tables(train, test, sample, ids)


def with_ids(sample: TextTable, test: TextTable | None) -> tuple[TextTable, Ids]:
    """Return a sample submission with its ids in the first column, even one without a name, and how it has them.

    One that holds predictions alone asks for the rows of the test table in their order. Raises InputError where there are not as
    many.
    """
    lacks = _lacks_ids(sample.cells, test)
    if sample.unnamed is not None and (lacks or not sample.left_out):
        return replace(sample, cells=sample.with_unnamed()), "unnamed"
    if lacks and (test is None or len(test.cells) != len(sample.cells)):
        rows = f"{test.path.name} has {len(test.cells)}" if test else "there is no test table"
        raise InputError(
            f"{sample.path} holds {', '.join(sample.cells.columns)} and no ids, so that its rows are the test rows in their "
            f"order; but it has {len(sample.cells)} rows, and {rows}",
            mend="name the right files in competition.test and sample_submission",
        )
    return sample, "order" if lacks else "named"


def _numbered(table: TextTable) -> TextTable:
    """The table with its first column, if that has no name, as the numbers of its rows."""
    return replace(table, cells=table.with_unnamed(ROW)) if table.unnamed is not None else table


def _lacks_ids(sample: pd.DataFrame, test: TextTable | None) -> bool:
    """Whether a sample submission holds predictions alone: one column, or several, one per test row, none of ids."""
    first = sample.columns[0]
    if len(sample.columns) == 1:
        return test is None or first not in test.cells or set(test.cells[first]) != set(sample[first])
    if test is None or len(test.cells) != len(sample):
        return False
    tested = test.cells.columns.str.casefold()
    return not sample.columns.str.casefold().isin(tested).any() and not _could_be_ids(sample[first])


def work_out_names(config: CompetitionConfig, tables: Tables) -> tuple[Names, list[Decision]]:
    """Work out the id and target columns; raises InputError where they are ambiguous."""
    train, test, sample, ids = tables
    columns = list(train.cells.columns)
    tested = list(test.cells.columns) if test else []
    # Without headers the names are ours, and say nothing about the sample submission's.
    asked_for = list(sample.cells.columns) if sample and config.header else []

    names, why = _id_names(config, train, test, sample if ids != "order" else None)
    parts = names.parts or (names.id,)
    if names.id != ROW and test is None:
        require_columns(columns, parts, str(train.path), "competition.id")
    if names.id != ROW and test is not None and not names.tested:
        require_columns(tested, parts, str(test.path), "competition.id")
    decisions = [Decision("id", names.id, FROM_PARAMS if config.id else why)]
    asked = [name for name in asked_for if name not in names.keys] if names.keys else asked_for[int(ids != "order") :]
    if ids == "order":
        why = f"{why}; the sample submission has none, and its rows are the test rows in their order"

    if config.target:
        targets = (config.target,) if isinstance(config.target, str) else config.target
        why = FROM_PARAMS
    elif asked and all(name in columns for name in asked):
        targets, why = tuple(asked), "the columns that the sample submission asks for"
    elif asked and set(map(str.casefold, asked)) <= set(map(str.casefold, columns)):
        spelled = {name.casefold(): name for name in columns}
        targets, why = tuple(spelled[name.casefold()] for name in asked), "the columns that the sample submission asks for"
    else:
        reserved = {names.id, *names.parts, *tested}
        candidates = [name for name in columns if name not in reserved]
        if not candidates and test is not None:
            empty = [name for name in tested if name in columns and (test.cells[name] == "").all()]
            candidates = empty or [name for name in asked if name in columns]
        if len(candidates) != 1:
            raise InputError(
                f"{train.path}: which column is the target? {len(candidates)} could be it",
                candidates,
                "name it in params.yaml, competition.target",
            )
        targets, why = tuple(candidates), "the only column that the test table lacks, has without values, or is asked for"
    require_columns(columns, targets, str(train.path), "competition.target")
    return replace(names, targets=targets), [*decisions, Decision("target", ", ".join(targets), why)]


def _id_names(config: CompetitionConfig, train: TextTable, test: TextTable | None, sample: TextTable | None) -> tuple[Names, str]:
    """The columns that identify rows and answers, and why."""
    columns = list(train.cells.columns)
    asked = list(sample.cells.columns) if sample else []
    if config.answer_id and not config.id:
        raise InputError(
            "params.yaml: competition.answer_id says which rows share an answer, but no column identifies a row",
            mend="name the column with a unique id per row in competition.id",
        )
    answer = config.answer_id and (config.answer_id if "{" not in config.answer_id else (*asked, "answer_id")[0])
    template = config.answer_id or ""
    shared = Names("", (), answer=answer, template=template if "{" in template or not template else f"{{{template}}}")
    if isinstance(config.id, tuple):
        keys = config.id if set(config.id) <= set(asked) else ()
        spread = _is_spread(config.id, test, sample) and not keys
        return replace(shared, id="_".join(config.id), parts=config.id, keys=keys, spread=spread), ""
    if config.id == ROW and ROW not in columns:
        return replace(shared, id=ROW), ""
    if config.id:
        lacks = test is not None and config.id not in test.cells and config.id in columns and asked[:1] and asked[0] in test.cells
        return replace(shared, id=config.id, tested=asked[0] if lacks else None), ""
    if sample is None or config.pair_id:
        tested = list(test.cells.columns)[:1] if test else []
        name = next((name for name in [*asked[:1], *tested] if name in columns), columns[0])
        tables = [train] if test is None or name not in test.cells else [train, test]
        if sample is not None or all(_could_be_ids(table.cells[name]) for table in tables):
            return replace(shared, id=name), f"the first column of the {'sample submission' if sample else 'table'}"
        return replace(shared, id=ROW), "no column could be the id: the rows are numbered"
    if test is not None and (keys := _keys(test.cells, sample.cells)):
        in_sample = keys if set(keys) <= set(asked) else ()
        why = f"the columns that identify the sample submission's {'rows' if in_sample else asked[0]} together"
        spread = _is_spread(keys, test, sample) and not in_sample
        why += f"; each row of {test.path.name} stands for all {keys[1]} that the sample asks of its {keys[0]}" if spread else ""
        return replace(shared, id="_".join(keys), parts=keys, keys=in_sample, spread=spread), why
    id_column, why = _asked_id(train, test, sample, config.header)
    if test is not None and not config.answer_id:
        _require_one_row_each(id_column, train, test)
    return replace(shared, id=id_column), why


def _is_spread(keys: Sequence[str], test: TextTable | None, sample: TextTable | None) -> bool:
    """Whether a row of the test table stands for several of the sample submission, whose ids join two keys."""
    return test is not None and sample is not None and len(keys) == 2 and len(test.cells) < len(sample.cells)


def _asked_id(train: TextTable, test: TextTable | None, sample: TextTable, has_names: bool) -> tuple[str, str]:
    """The column of the table of test rows whose ids the sample submission asks for, and why; by its name if it `has_names`."""
    columns, first = list(train.cells.columns), sample.cells.columns[0]
    called = first or "first column"
    where = test.cells if test else train.cells
    spelled = next((name for name in where.columns if has_names and name.casefold() == first.casefold()), None)
    if spelled is not None:
        unnumbered = "" if spelled in columns else "; the training rows, which have none, are numbered"
        return spelled, f"the first column of the sample submission{unnumbered}"
    if test is None:
        return columns[0], "the first column of the training table"
    ids = sample.cells[first]
    counts = len(test.cells) == len(ids) and _count_rows(ids)
    for name in test.cells.columns:
        if set(test.cells[name]) == set(ids) and name in columns:
            if counts and test.cells[name].tolist() != ids.tolist():
                raise QuestionError(
                    f"the sample submission's {called} counts from {ids.iloc[0]} to {ids.iloc[-1]}: does it count the test rows, "
                    f"or is it their {name}, which has the same numbers in another order?",
                    [Reply("id", ROW, "rows are counted as they come"), Reply("id", name, f"{called} is {name}")],
                )
            return name, f"the sample submission's {called} has its values"
    if counts:
        why = f"no table has the sample submission's {called}, which counts the test rows from {ids.iloc[0]}"
        return ROW, f"{why}: the rows are numbered"
    first = test.cells.columns[0]
    return (first, "the first column of the test table") if first in columns else (columns[0], "the first column")


def _keys(test: pd.DataFrame, sample: pd.DataFrame) -> tuple[str, ...]:
    """The columns of the test table that identify the rows of the sample submission together; none where one column may.

    The sample has them as columns of its own, or joined by _ in its first.
    """
    first = sample.columns[0]
    shared = [name for name in sample.columns if name in test]
    is_id = first in test and sample[first].is_unique
    if 1 < len(shared) < len(sample.columns) and not is_id and not sample.duplicated(shared).any():
        return tuple(shared)
    return () if first in test else _joined_keys(test, sample[first])


def _joined_keys(test: pd.DataFrame, asked: pd.Series) -> tuple[str, ...]:
    """The two columns of the test table that ids join by _, if there are such.

    Raises InputError where the test table has a part of these ids, and QuestionError where several rows share one.
    """
    ids = set(asked)
    for before, after in permutations(test.columns, 2):
        if not len(test) or f"{test[before].iloc[0]}_{test[after].iloc[0]}" not in ids:
            continue
        made = set(test[before] + "_" + test[after])
        what = f"the sample submission's {asked.name} is {before} and {after} joined by _, and"
        if made == ids and not test.duplicated([before, after]).any():
            return before, after
        if made == ids:
            answer = Reply("answer_id", f"{{{before}}}_{{{after}}}", "rows share an answer; name a row's own column in id too")
            raise QuestionError(f"{what} {len(test)} test rows share {len(ids)} of them", [answer])
        if test[before].is_unique and set(asked.str.rpartition("_")[0]) == set(test[before]):
            return before, after
        if made < ids:
            raise InputError(
                f"{what} the test table has {len(made)} of its {len(ids)} rows",
                [f"{i} is in the sample submission only" for i in asked if i not in made],
                f"write a test table with a row for each {asked.name}: {before}, {after} and what else the training table has; "
                "then name it in competition.test",
            )
    return ()


def _require_one_row_each(id_column: str, train: TextTable, test: TextTable) -> None:
    """Raise QuestionError for ids that several training rows share and no test rows, where another column tells these apart."""
    if id_column not in train.cells or id_column not in test.cells:
        return
    ids = train.cells[id_column]
    if ids.is_unique or not test.cells[id_column].is_unique:
        return
    others = [name for name in train.cells if name not in test.cells and _could_be_ids(train.cells[name])]
    if others:
        raise QuestionError(
            f"{id_column} identifies a test row, and {len(ids)} training rows share {ids.nunique()}: what tells them apart?",
            [Reply("id", name, "different in each training row") for name in others],
        )


def _count_rows(ids: pd.Series) -> bool:
    """Whether texts count on by one."""
    numbers = pd.to_numeric(ids, errors="coerce")
    return bool(numbers.notna().all() and (numbers.diff().iloc[1:] == 1).all())


def _could_be_ids(values: pd.Series) -> bool:
    """Whether values, as texts, are all different, and neither fractions nor texts of several words or numbers."""
    return bool(
        values.is_unique
        and not values.str.fullmatch(r"-?\d*\.\d*[1-9]\d*").any()
        and values.str.count(r"\s").mean() < MOST_SPACES
    )
