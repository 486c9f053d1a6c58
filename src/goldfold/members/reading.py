"""Reading predictions from files: arrays in a table's order, or tables by id."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.competition.ids import as_among
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.tables import read_text_table

SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
TOLERANCE = 1e-3
"""How far from 1 the probabilities of a row may sum up, as rounded ones do; they are scaled to 1."""
FOLD = "fold"


class Predicted(NamedTuple):
    """Predictions in the shape that metrics take, a row for each id asked, and the file's own folds, if it tells them."""

    values: Array
    folds: pd.Series | None


def read_predicted(
    path: Path, problem: Problem, ids: pd.Series, columns: Sequence[str] = (), wanted: Array | None = None
) -> Predicted:
    """Read predictions of the rows with these ids, in their order, from .npy, .npz, .csv or .parquet.

    A table is joined by the problem's id, or by a first column that holds the ids; an array, and a table without them, has the
    rows in order: all of them, or those that are `wanted`, (n,) booleans, by default all. `columns` names the columns of the
    predictions; by default they bear the names of classes or targets.

    Raises InputError for a file that cannot be read, for missing or doubled ids, and for values that are no predictions.
    """
    problem.require_no_masks("importing")
    wanted = np.ones(len(ids), dtype=bool) if wanted is None else wanted
    if path.suffix in (".npy", ".npz"):
        return in_order(_array(path), problem, wanted, str(path))
    if path.suffix not in SUFFIXES or not path.is_file():
        raise InputError(f"{path} is no file of predictions", mend=f"give {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    table = _by_id(path, read_text_table(path).cells, problem, ids, wanted)
    names = list(columns) or _columns_of(path, table, problem)
    if missing := [name for name in names if name not in table]:
        raise InputError(f"{path} has no column {', '.join(missing)}", list(table.columns), "correct --columns")
    numbers = table[names].apply(pd.to_numeric, errors="coerce")
    return Predicted(as_predictions(numbers.to_numpy(dtype=float), problem, wanted.sum(), str(path)), table.get(FOLD))


def pairs_in(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Return the pairs of files oof_NAME and pred_NAME, or test_NAME, in a folder by name; raises InputError without any."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", mend="correct its name")
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES}
    pairs = {}
    for stem, path in files.items():
        if stem.startswith("oof_"):
            name = stem.removeprefix("oof_")
            test = next((files[first + name] for first in ("pred_", "test_", "sub_") if first + name in files), None)
            if test is None:
                raise InputError(f"{path} has no test predictions beside it", mend=f"add pred_{name}{path.suffix}")
            pairs[name] = (path, test)
    if not pairs:
        below = sorted({path.parent.relative_to(folder) for path in folder.rglob("oof_*") if path.suffix in SUFFIXES})
        raise InputError(
            f"{folder} holds no pairs of oof_NAME and pred_NAME",
            [f"but its folder {inner}" for inner in below],
            "name that folder" if below else "give --oof FILE --test FILE",
        )
    return pairs


def in_order(values: Array, problem: Problem, wanted: Array, where: str) -> Predicted:
    """Return an array's predictions of the wanted rows, of a table's rows (n,) booleans; it has all of them, or those alone.

    Raises InputError as `as_predictions` does.
    """
    values = np.asarray(values, dtype=np.float64)
    return Predicted(as_predictions(values[wanted] if len(values) == len(wanted) else values, problem, wanted.sum(), where), None)


def as_predictions(values: Array, problem: Problem, rows: int, where: str) -> Array:
    """Return an array of predictions in the shape that metrics take.

    Raises InputError, the gate of rows, for another number of rows or columns, for what is missing or infinite, and for
    probabilities that are none or do not sum to 1.
    """
    values = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    width = len(problem.outputs)
    if len(values) != rows:
        raise InputError(
            f"{where} has {len(values)} rows, and {rows} are asked for",
            mend="give one prediction for each row of the prepared table, in its order, or a table with ids",
        )
    if problem.task == "binary" and values.shape[1] == 2:
        _require_sum(values, where)
        values = values[:, 1:]
    if values.shape[1] != width:
        raise InputError(
            f"{where} has {values.shape[1]} columns, and the problem has {width} outputs",
            list(problem.names),
            "name the right ones, in this order: --columns a,b",
        )
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise InputError(f"{where}: {(~np.isfinite(values)).sum()} values are missing or infinite, the first in row {row + 1}")
    if problem.task != "regression":
        if values.min() < 0 or values.max() > 1:
            raise InputError(
                f"{where} goes from {values.min():.4g} to {values.max():.4g}, and probabilities are between 0 and 1",
                mend="give probabilities: the sigmoid or softmax of logits; of ranks, ranks divided by the number of rows",
            )
        if problem.is_exclusive and width > 1:
            _require_sum(values, where)
            values = values / values.sum(axis=1, keepdims=True)
    return values[:, 0] if problem.task == "binary" or (problem.task == "regression" and width == 1) else values


def _require_sum(values: Array, where: str) -> None:
    off = np.abs(values.sum(axis=1) - 1)
    if off.max() > TOLERANCE:
        row = int(off.argmax())
        raise InputError(
            f"{where}: the probabilities of {(off > TOLERANCE).sum()} rows do not sum to 1; in row {row + 1} to "
            f"{values[row].sum():.4g}",
            mend="give the softmax of logits, or name the columns of the classes: --columns a,b",
        )


def _array(path: Path) -> Array:
    try:
        loaded = np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            names = list(loaded)
            if len(names) != 1:
                raise InputError(f"{path} holds {len(names)} arrays", names, "save one array in each file")
            loaded = loaded[names[0]]
        return np.asarray(loaded, dtype=np.float64).reshape(len(loaded), -1)
    except (OSError, ValueError, EOFError, TypeError, BadZipFile) as error:
        raise InputError(f"{path} cannot be read as an array of numbers: {error}", mend="save it by numpy.save") from None


def _by_id(path: Path, table: pd.DataFrame, problem: Problem, ids: pd.Series, wanted: Array) -> pd.DataFrame:
    """The wanted rows of a table in the order of the ids, without them; in its own order where the table has no ids."""
    table = table.rename(columns={name: FOLD for name in map(str, table) if name.lower() in (FOLD, "folds", "kfold")})
    name = problem.id if problem.id in table else table.columns[0]
    spelled = as_among(table[name], ids)
    if spelled is None and name == problem.id:
        unknown = sorted(set(table[name]) ^ set(ids))
        raise InputError(
            f"{path} and the prepared table differ in {len(unknown)} ids", unknown, "give predictions of this competition's rows"
        )
    if spelled is None:
        return table[wanted].reset_index(drop=True) if len(table) == len(ids) else table
    ids = ids[wanted]
    if spelled.duplicated().any():
        twice = spelled[spelled.duplicated()]
        raise InputError(f"{path} predicts {len(twice)} rows twice", list(twice), "leave one of each")
    missing = ids[~ids.isin(spelled)]
    if len(missing):
        raise InputError(f"{path} does not predict {len(missing)} rows", list(missing), "predict each row of the prepared table")
    return table.drop(columns=name).set_axis(spelled, axis=0).loc[list(ids)].reset_index(drop=True)


def _columns_of(path: Path, table: pd.DataFrame, problem: Problem) -> list[str]:
    """The columns of the predictions: by the names of outputs, classes or targets, or all that are left where they fit."""
    left = [name for name in map(str, table) if name != FOLD and name not in problem.columns]
    for names in (list(problem.outputs), list(problem.names), *([[problem.names[1]]] if problem.task == "binary" else [])):
        for form in ("{}", "p_{}", "pred_{}", "class_{}"):
            found = [form.format(name) for name in names]
            if set(found) <= set(table):
                return found
    target = [name for name in problem.targets if name in table]
    if len(target) == len(problem.outputs):
        return target
    if len(left) == len(problem.outputs):
        return left
    raise InputError(
        f"{path}: which columns are the predictions of {', '.join(problem.names)}?", list(table.columns), "give --columns a,b"
    )
