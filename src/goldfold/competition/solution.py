"""The test labels in competition.solution, in whichever form they are shipped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import contract
from goldfold.competition.classes import bare_names
from goldfold.competition.ids import as_among
from goldfold.competition.labels import as_classes, one_spelling
from goldfold.competition.masks import solution_of_masks
from goldfold.competition.problem import Problem
from goldfold.competition.tables import line
from goldfold.competition.task import numeric_targets
from goldfold.errors import InputError
from goldfold.schema.kinds import TRUTHS
from goldfold.tables import read_text_table

USAGE = "Usage"
PUBLIC, PRIVATE, IGNORED = "Public", "Private", "Ignored"
USAGES = (PUBLIC, PRIVATE, IGNORED)
UNLABELLED = ("", "-1")
"""What stands for a label in rows that are not scored, where it is none of the classes."""
MEND = "name the columns of ids and labels as in the sample submission, or as in the training table"


@dataclass(frozen=True)
class Asked:
    """What the sample submission asks for: `ids` as it spells them, its answer `columns`, and the `rows` they are answers of.

    `rows` are the ids of the test rows; a sample with a row per id and label has other ids.
    """

    ids: pd.Series
    columns: tuple[str, ...]
    rows: pd.Series

    @classmethod
    def of(cls, problem: Problem, sample: pd.DataFrame, test: pd.DataFrame) -> "Asked":
        """What a sample submission asks for of the rows of a test table."""
        ids, columns = contract.ids_of(sample, problem.keys), contract.asked_columns(sample, problem.keys)
        return cls(ids, tuple(columns), test[problem.answer_id or problem.id])


def solution_table(
    path: Path,
    problem: Problem,
    renamed: Mapping[str, str] = {},
    asked: Asked | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """The labels of a file by id, and its column Usage where it has one, however that is spelt.

    Labels stand in the training table's target columns, or in one column of another name; in a column of 0 and 1 for each class,
    or in a row for each id and label, as the sample submission that was `asked` has them. Rows that are ignored, or whose labels
    are all empty or -1, are left out. Raises InputError where the columns of ids and labels are not clear, where training has
    seen none of the labels, and for ids with two labels.
    """
    by = problem.answer_id or problem.id
    shipped = read_text_table(path, encoding=encoding)
    solution = _with_usage(shipped.with_unnamed() if problem.ids == "unnamed" else shipped.cells, problem, path)
    id_column, ids = _ids(solution, problem, asked, path)
    if problem.has_masks:
        return _masks(solution, ids, problem, asked, path)
    labels = _labels(solution.drop(columns=[*id_column, USAGE], errors="ignore"), ids, problem, asked, path)
    more = solution.drop(columns=[by, *problem.targets], errors="ignore")
    if problem.pair_id and USAGE in more:
        more = _usage_of_pairs(more[USAGE], ids, labels, problem)
    table = pd.concat([labels, more] if len(more) == len(labels) else [labels], axis=1)
    table = table[~_unlabelled(table, problem)]
    if USAGE in table:
        table = table[table[USAGE] != IGNORED]
    if table.empty:
        raise InputError(f"{path} has no rows to score by", mend="give the whole file")
    for target in problem.targets:
        table = table.assign(**{target: one_spelling(table[target], renamed, problem.task).cells})
    if problem.has_numbers:
        table[list(problem.targets)] = numeric_targets(table, problem.targets, problem.task, str(path))
    elif problem.is_exclusive:
        table[problem.targets[0]] = _as_classes(table[problem.targets[0]], problem, path)
    _require_one_answer(table, by, problem, path)
    return table.reset_index(drop=True)


def _masks(solution: pd.DataFrame, ids: pd.Series, problem: Problem, asked: Asked | None, path: Path) -> pd.DataFrame:
    """The codes of each image, whose rows of classes and instances become one, and its Usage where there is one."""
    names = contract.answer_columns(problem) if not asked else asked.columns
    code = next((name for name in (*problem.targets, *names) if name in solution), None)
    if code is None:
        raise _unclear(solution, f"has no column {names[0]}", path)
    if problem.pair_id:
        codes = solution_of_masks(solution, ids.rename(problem.id), [code], problem.mask_form, path).set_index(problem.id)[code]
        rows = (asked.rows if asked else ids).drop_duplicates().reset_index(drop=True)
        pairs = contract.pair_ids(problem, rows)
        table = pairs.apply(lambda keys: codes.reindex(list(keys)).fillna("").to_numpy())
        # Some classes of an image may be left out where they are empty; an image without any row is not scored.
        known = pairs.isin(codes.index).any(axis=1)
        table = table.set_axis(list(problem.targets), axis=1).assign(**{problem.id: rows})[known]
    else:
        table = solution_of_masks(solution, ids.rename(problem.id), [code], problem.mask_form, path)
        table = table.rename(columns={code: problem.targets[0]})
    if USAGE in solution:
        keys = contract.pair_ids(problem, table[problem.id]) if problem.pair_id else table[[problem.id]]
        usage = dict(zip(ids, solution[USAGE], strict=True))
        of_image = [next((usage[key] for key in row if key in usage), IGNORED) for row in keys.to_numpy()]
        table = table.assign(**{USAGE: pd.Series(of_image, table.index, "str")})
        table = table[table[USAGE] != IGNORED]
    if table.empty:
        raise InputError(f"{path} has no rows to score by", mend="give the whole file")
    return table.reset_index(drop=True)


def _with_usage(cells: pd.DataFrame, problem: Problem, path: Path) -> pd.DataFrame:
    """The cells, with the column Usage in one spelling, and columns of goldfold's names called as the problem does."""
    usages = [name for name in cells.columns if name.casefold() == USAGE.casefold() and name not in problem.spelled]
    if len(usages) > 1:
        raise InputError(f"{path} has several columns {USAGE}", usages, "keep one of them")
    cells = cells.rename(columns={**problem.spelled, **dict.fromkeys(usages, USAGE)})
    return cells.assign(**{USAGE: _usage(cells[USAGE], path)}) if usages else cells


def _usage(values: pd.Series, path: Path) -> pd.Series:
    spellings = {usage.casefold(): usage for usage in USAGES}
    usage = values.astype("str").str.strip().str.casefold().map(spellings)
    if usage.isna().any():
        lines = [f"{line(position)}: {values.iloc[position]}" for position in usage.isna().to_numpy().nonzero()[0].tolist()]
        raise InputError(f"{path}: values of {USAGE} other than {', '.join(USAGES)}: {len(lines)}", lines, "correct them")
    return usage


def _ids(solution: pd.DataFrame, problem: Problem, asked: Asked | None, path: Path) -> tuple[list[str], pd.Series]:
    """The columns of ids, by their names, else by their values, and the ids as the sample submission spells them."""
    if problem.keys and set(problem.keys) <= set(solution.columns):
        return list(problem.keys), contract.joined(solution, problem.keys)
    by = problem.answer_id or problem.id
    if asked is None:
        if by not in solution:
            raise _unclear(solution, f"has no column {by}", path)
        return [by], solution[by]
    others = [str(name) for name in solution if name not in (by, USAGE) and (problem.answer_id or solution[name].is_unique)]
    for wanted in (asked.ids, asked.rows):
        for name in [by, *others] if by in solution else others:
            if (ids := as_among(solution[name], wanted)) is not None:
                return [name], ids
    if by in solution:
        return [by], solution[by]
    if problem.ids == "order" and len(solution) == len(asked.ids):
        return [], asked.ids
    raise _unclear(solution, f"has no column with the ids of the test rows, such as {', '.join(asked.ids.head(3))}", path)


def _labels(others: pd.DataFrame, ids: pd.Series, problem: Problem, asked: Asked | None, path: Path) -> pd.DataFrame:
    """The labels of each row as the training table's target columns hold them, with the id."""
    by, targets = problem.answer_id or problem.id, list(problem.targets)
    if asked and problem.pair_id and set(ids) & set(asked.ids) - set(asked.rows):
        return _of_pairs(others, ids, problem, asked, path)
    if set(targets) <= set(others.columns):
        return others[targets].assign(**{by: ids})
    if columns := _columns_of_classes(others, problem):
        return pd.DataFrame({targets[0]: _of_columns(others[columns], problem, path), by: ids})
    names = asked.columns if asked else ()
    if len(names) == len(targets) and set(names) <= set(others.columns):
        return others[list(names)].set_axis(targets, axis=1).assign(**{by: ids})
    if len(targets) == 1:
        return pd.DataFrame({targets[0]: others[_label_column(others, problem, path)], by: ids})
    raise _unclear(others, f"has not all columns of labels: {', '.join(targets)}", path)


def _label_column(others: pd.DataFrame, problem: Problem, path: Path) -> str:
    """The one column that can be the labels: the only one, else the only one whose texts are all classes."""
    names = [str(name) for name in others.columns]
    if len(names) > 1:
        fitting = {*problem.classes, *UNLABELLED}
        named = [name for name in names if name.casefold() == problem.targets[0].casefold()]
        names = named or [name for name in names if problem.classes and set(as_classes(others[name], problem.classes)) <= fitting]
    if len(names) == 1:
        return names[0]
    raise _unclear(others, f"has no column {problem.targets[0]}", path)


def _columns_of_classes(others: pd.DataFrame, problem: Problem) -> list[str]:
    """The columns that stand for each class, in their order; empty where they do not."""
    if not problem.classes or len(problem.targets) > 1:
        return []
    for names in (problem.answer_names, problem.classes):
        if len(names) == len(problem.classes) and set(names) <= set(others.columns):
            return list(names)
    columns = list(others.columns)
    if len(columns) < 2:
        return []
    bare = {name.casefold(): column for name, column in zip(bare_names(columns), columns, strict=True)}
    classes = [label.casefold() for label in problem.classes]
    return [bare[label] for label in classes] if set(classes) <= set(bare) else []


def _of_columns(columns: pd.DataFrame, problem: Problem, path: Path) -> pd.Series:
    """Labels from a column of 0 and 1 for each class; an empty text where no column says anything."""
    numbers = columns.apply(pd.to_numeric, errors="coerce").set_axis(list(problem.classes), axis=1)
    silent = (numbers.isna() | (numbers == -1)).all(axis=1)
    ones = (numbers == 1).to_numpy()
    labels = pd.Series([problem.separator.join(np.asarray(problem.classes, object)[row]) for row in ones], columns.index)
    if problem.is_exclusive:
        wrong = ((ones.sum(axis=1) != 1) & ~silent).to_numpy().nonzero()[0].tolist()
        if wrong:
            names = ", ".join(map(str, columns.columns[:5]))
            raise InputError(
                f"{path}: rows that have not a single 1 in {names}: {len(wrong)}", [line(row) for row in wrong], MEND
            )
    return labels.where(~silent, UNLABELLED[-1]).astype("str")


def _of_pairs(others: pd.DataFrame, ids: pd.Series, problem: Problem, asked: Asked, path: Path) -> pd.DataFrame:
    """Labels from a row for each id and label."""
    by = problem.answer_id or problem.id
    value = asked.columns[0] if asked.columns[0] in others else (others.columns[0] if others.shape[1] == 1 else None)
    if value is None:
        raise _unclear(others, f"has no column {asked.columns[0]}", path)
    values = pd.Series(others[value].to_numpy(), index=ids.to_numpy())
    twice = values.index[values.index.duplicated()].tolist()
    if twice:
        raise InputError(f"{path}: ids with two answers: {len(twice)}", twice, "keep one row per id and label")
    rows = asked.rows.drop_duplicates().reset_index(drop=True)
    pairs = contract.pair_ids(problem, rows)
    table = pairs.apply(lambda names: values.reindex(list(names)).fillna("").to_numpy()).assign(**{by: rows})
    if len(problem.targets) > 1:
        return table.rename(columns=dict(zip(problem.names, problem.targets, strict=True)))
    return pd.DataFrame({problem.targets[0]: _of_columns(table[list(problem.names)], problem, path), by: rows})


def _usage_of_pairs(usage: pd.Series, ids: pd.Series, labels: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The usage of each id by that of its first pair."""
    by_pair = dict(zip(ids, usage, strict=True))
    first = contract.pair_ids(problem, labels[problem.answer_id or problem.id]).iloc[:, 0]
    return pd.DataFrame({USAGE: first.map(by_pair).fillna(IGNORED).to_numpy()})


def _unlabelled(table: pd.DataFrame, problem: Problem) -> pd.Series:
    """Whether all labels of a row are empty, or -1 where that is no value."""
    codes = [code for code in UNLABELLED if code not in problem.classes and not (code and problem.task == "regression")]
    if problem.task == "multilabel" and problem.classes:
        # A row may have no label of a set.
        codes.remove("")
    codes += [f"{code}.0" for code in codes if code]
    silent = [table[target].str.strip().isin(codes) for target in problem.targets]
    return pd.concat(silent, axis=1).all(axis=1)


def _as_classes(column: pd.Series, problem: Problem, path: Path) -> pd.Series:
    """The labels as the classes are spelt; raises InputError where training has seen none of them."""
    labels = as_classes(column, problem.classes)
    if problem.task == "binary" and not labels.isin(problem.classes).any():
        labels = labels.str.casefold().map(_by_truth(problem.classes)).fillna(labels).astype("str")
    if not labels.isin(problem.classes).any():
        classes = f"the classes are {', '.join(problem.classes[:10])}{' …' * (len(problem.classes) > 10)}"
        raise InputError(f"{path}: none of its labels is a class", sorted(set(labels)), f"name the right table; {classes}")
    return labels


def _by_truth(classes: Sequence[str]) -> dict[str, str]:
    """Other words for false and true by the two classes that mean them: 0 and 1 where the classes are False and True."""
    pairs = (("0", "1"), *TRUTHS)
    own = {label.casefold(): label for label in classes}
    pair = next((pair for pair in pairs if set(pair) == set(own)), None)
    return {word: own[truth] for other in pairs for word, truth in zip(other, pair, strict=True)} if pair else {}


def _unclear(table: pd.DataFrame, what: str, path: Path) -> InputError:
    return InputError(f"{path} {what}", [f"its columns are {', '.join(map(str, list(table.columns)[:30]))}"], MEND)


def _require_one_answer(solution: pd.DataFrame, by: str, problem: Problem, path: Path) -> None:
    answers = solution[[by, *problem.targets]].drop_duplicates()
    twice = answers[by][answers[by].duplicated()]
    if len(twice):
        raise InputError(f"{path}: ids with two answers: {len(twice)}", [f"{by} {key}" for key in twice], "keep one row per id")
