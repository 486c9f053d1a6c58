"""Facts about each row beside a model's inputs: its id, its position, its file, and simple statistics."""

import string
from dataclasses import replace

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.names import ROW
from goldfold.imports import find_modality_part
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet, RowFacts

MOST_CATEGORIES = 50
ID_NUMBER, ID_LENGTH, POSITION = "the number in the id", "the length of the id", "the position in the table"


def id_facts(prepared: PreparedSet) -> pd.DataFrame:
    """Return the last number in each training row's id and the length of the rest; no columns if goldfold made the ids."""
    if prepared.problem.id == ROW:
        return pd.DataFrame(index=range(len(prepared.train)))
    stems = prepared.train[prepared.problem.id].astype("str").str.replace(r"^.*/|\.\w{1,4}$", "", regex=True)
    numbers = _last_numbers(stems)
    rest = stems.str.len() - numbers.str.len().fillna(0)
    return telling(pd.DataFrame({ID_NUMBER: numbers, ID_LENGTH: rest}).astype("float64"))


def order_facts(prepared: PreparedSet, competition: Competition) -> pd.DataFrame:
    """Return the positions of the training rows, unless they are sorted by id or by path."""
    train, count = prepared.train, len(prepared.train)
    ids = train[prepared.problem.id].astype("str")
    paths = [train[name].astype("str") for name in _in_paths(competition)]
    sorted_by: list[pd.Series] = [ids, _last_numbers(ids).astype("float64"), *paths]
    if prepared.problem.id != ROW and any(values.is_monotonic_increasing for values in sorted_by):
        return pd.DataFrame(index=range(count))
    return pd.DataFrame({POSITION: np.arange(count, dtype=np.float64)})


def _last_numbers(texts: pd.Series) -> pd.Series:
    """Return the last run of digits in each text, as a text; missing where there is none."""
    return texts.str.extract(r"(\d{1,15})\D*$", expand=False)


def _in_paths(competition: Competition) -> list[str]:
    """Return the columns of the training table that the paths of files are made of."""
    return [name for _, name, _, _ in string.Formatter().parse(competition.templates.train or "") if name]


def input_facts(prepared: PreparedSet, competition: Competition) -> RowFacts:
    """Return the facts of the kind of input about all rows."""
    facts = find_modality_part(prepared.problem.modality, "facts")
    if facts is None:
        return RowFacts()
    # The prepared set may hold only a few of the competition's rows.
    same = replace(competition, train=prepared.train, test=prepared.test)
    found = facts.row_facts(same, prepared.folder)
    return RowFacts(telling(found.source), telling(found.content), found.wrong)


def column_facts(prepared: PreparedSet, competition: Competition) -> pd.DataFrame:
    """Return the columns that both tables share as numbers: texts as codes, or if there are many different ones their lengths."""
    train, test, problem = prepared.train, prepared.test, prepared.problem
    apart = {problem.id, problem.answer_id, *problem.keys, *problem.targets, *_in_paths(competition)}
    shared = [name for name in train.columns if name in test and name not in apart]
    both = pd.concat([train[shared], test[shared]], ignore_index=True)
    return telling(pd.DataFrame({name: _numbers(both[name]) for name in shared}, index=both.index))


def telling(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the facts that differ between rows."""
    return facts.loc[:, [facts[name].nunique(dropna=False) > 1 for name in facts.columns]]


def _numbers(values: pd.Series) -> Array:
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    texts = values.astype("object").where(values.notna())
    if texts.nunique() <= MOST_CATEGORIES:
        codes = pd.factorize(texts, sort=False)[0]
        return np.where(codes < 0, np.nan, codes)
    return texts.astype("str").str.len().where(texts.notna()).to_numpy(dtype=np.float64)
