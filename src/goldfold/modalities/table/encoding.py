"""From columns to numbers: fitted on the training rows of a fold, kept as JSON, and applied to any row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config.data import LARGEST
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.schema import Column, as_numbers

Encoding = Mapping[str, Any]
UNKNOWN, MISSING = 0, 1
"""The codes of a category that training never saw (or hardly ever), and of a missing value; others count on from 2."""
QUANTILES = 200
WIDEST = 5.2
"""The quantile of a normal distribution beyond which no number is sent (scikit-learn's QuantileTransformer)."""


def fit_encoding(
    table: pd.DataFrame,
    columns: Sequence[Column],
    truth: Array,
    problem: Problem,
    scale: str,
    rare: int,
    target_encoding: int | None,
) -> dict[str, Any]:
    """Learn from training rows: for each number its median and scale, for each category its values.

    `table` are the rows, `truth` their targets. Categories of at least `target_encoding` values are also encoded by the mean of
    the target (scikit-learn's TargetEncoder).
    """
    categories = {}
    for name, values in _categories(table, columns).items():
        counts = values[values != ""].value_counts()
        categories[name] = sorted(counts[counts >= rare].index)
    targets = {}
    for name, known in categories.items():
        if target_encoding and len(known) >= target_encoding:
            encoder = _target_encoder(problem).fit(_categories(table, columns)[name].to_numpy()[:, np.newaxis], truth)
            seen = zip(encoder.categories_[0].tolist(), *(each.tolist() for each in encoder.encodings_), strict=True)
            targets[name] = {"of": {value: means for value, *means in seen}, "else": np.ravel(encoder.target_mean_).tolist()}
    encoding: dict[str, Any] = {
        "columns": [column.reading() for column in columns],
        "categories": categories,
        "targets": targets,
        "numbers": {},
    }
    numbers = _numbers(table, columns, encoding, cross_fitted(table, columns, truth, problem, encoding))
    far = [name for name, values in numbers.items() if not (np.abs(values[~np.isnan(values)]) < LARGEST).all()]
    if far:
        mend = "correct its cells, or leave it out: prepare.columns: {" + f"{far[0]}: drop" + "}"
        raise InputError(f"columns hold numbers beyond {LARGEST:g}, which cannot be scaled", far, mend)
    encoding["numbers"] = {name: _fit_number(values, scale) for name, values in numbers.items()}
    return encoding


def cross_fitted(
    table: pd.DataFrame, columns: Sequence[Column], truth: Array, problem: Problem, encoding: Encoding
) -> dict[str, Array]:
    """The target encodings of training rows, each row's learned from other rows, (rows, means) for each column."""
    categories = _categories(table, columns)
    return {
        name: np.asarray(_target_encoder(problem).fit_transform(categories[name].to_numpy()[:, np.newaxis], truth))
        for name in encoding["targets"]
    }


def encode(
    table: pd.DataFrame, columns: Sequence[Column], encoding: Encoding, targets: Mapping[str, Array] | None = None
) -> tuple[Array, Array]:
    """The rows' numbers, (rows, numbers) float32, and the codes of their categories, (rows, categories) int64.

    A number that is missing somewhere in training has a second column, 1 where it is missing. `targets` are cross-fitted
    target encodings, for training rows.
    """
    numbers = _numbers(table, columns, encoding, _target_encoded(table, columns, encoding) if targets is None else targets)
    scaled = [part for name, learned in encoding["numbers"].items() for part in _scaled(numbers[name], learned)]
    codes = [_codes(values, encoding["categories"][name]) for name, values in _categories(table, columns).items()]
    rows = len(table)
    return (
        np.stack(scaled, axis=1).astype(np.float32) if scaled else np.zeros((rows, 0), np.float32),
        np.stack(codes, axis=1) if codes else np.zeros((rows, 0), np.int64),
    )


def number_places(encoding: Encoding) -> dict[str, int]:
    """The place of each number among the columns of numbers, by its name."""
    widths = [1 + learned["indicator"] for learned in encoding["numbers"].values()]
    return dict(zip(encoding["numbers"], np.cumsum([0, *widths]).tolist(), strict=False))


def sizes(encoding: Encoding) -> tuple[int, tuple[int, ...]]:
    """The number of numbers, and for each category the number of its codes."""
    numbers = sum(1 + learned["indicator"] for learned in encoding["numbers"].values())
    return numbers, tuple(len(values) + 2 for values in encoding["categories"].values())


def _categories(table: pd.DataFrame, columns: Sequence[Column]) -> dict[str, pd.Series]:
    """The category columns as texts; a missing value is the empty one."""
    return {column.name: column.read(table[column.name]).fillna("") for column in columns if column.kind == "category"}


def _codes(values: pd.Series, known: Sequence[str]) -> Array:
    codes = {"": MISSING, **{value: code for code, value in enumerate(known, start=2)}}
    return values.map(codes).fillna(UNKNOWN).to_numpy(np.int64)


def _numbers(
    table: pd.DataFrame, columns: Sequence[Column], encoding: Encoding, targets: Mapping[str, Array]
) -> dict[str, Array]:
    """All numbers by name, (rows,) float64 each: number columns, the parts of dates and times, the target encodings."""
    taken = {column.name for column in columns}
    numbers: dict[str, Array] = {}

    def add(column: str, parts: Mapping[str, Array]) -> None:
        for part, values in parts.items():
            name = f"{column} {part}"
            while name in taken:
                name += "'"
            taken.add(name)
            numbers[name] = values

    for column in columns:
        if column.kind in ("category", "text"):
            continue
        values = column.read(table[column.name])
        if column.kind == "date":
            add(column.name, _date_parts(pd.to_datetime(values, utc=True)))
        elif column.kind == "time":
            add(column.name, _turning({"hour": (as_numbers(values) / 3600, 24)}))
        else:
            numbers[column.name] = as_numbers(values)
    for name in encoding["targets"]:
        add(name, {f"target {number}": means for number, means in enumerate(targets[name].T)})
    return numbers


def _date_parts(values: pd.Series) -> dict[str, Array]:
    """Days since 1970, and the parts that may matter by themselves."""
    moments = values.dt
    midnight = moments.normalize()
    hours = (moments.hour + moments.minute / 60).to_numpy(np.float64, na_value=np.nan)
    month, weekday = (part.to_numpy(np.float64, na_value=np.nan) for part in (moments.month, moments.day_of_week))
    return {
        "days": (midnight - pd.Timestamp(0, tz="UTC")).dt.days.to_numpy(np.float64, na_value=np.nan),
        "year": moments.year.to_numpy(np.float64, na_value=np.nan),
        "day": moments.day.to_numpy(np.float64, na_value=np.nan),
        **_turning({"month": (month, 12), "weekday": (weekday, 7), "hour": (hours, 24)}),
    }


def _turning(parts: Mapping[str, tuple[Array, int]]) -> dict[str, Array]:
    """Parts that go round in a period, each with its sine and cosine."""
    turned: dict[str, Array] = {}
    for part, (values, period) in parts.items():
        angle = 2 * np.pi * values / period
        turned |= {part: values, f"{part} sine": np.sin(angle), f"{part} cosine": np.cos(angle)}
    return turned


def _fit_number(values: Array, scale: str) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"median": 0.0, "mean": 0.0, "std": 1.0, "quantiles": [], "indicator": False}
    deviation = float(known.std())
    quantiles = np.quantile(known, np.linspace(0, 1, QUANTILES)).tolist() if scale == "quantile" else []
    return {
        "median": float(np.median(known)),
        "mean": float(known.mean()),
        "std": deviation if deviation > 0 else 1.0,
        "quantiles": quantiles if len(set(known.tolist())) > 2 else [],
        "indicator": len(known) < len(values),
    }


def _scaled(values: Array, learned: Mapping[str, Any]) -> list[Array]:
    """A number scaled as it was learned, with its median where it is missing; and where that is, if training saw it."""
    from scipy.special import ndtri

    missing = np.isnan(values)
    filled = np.where(missing, learned["median"], values)
    if learned["quantiles"]:
        levels, quantiles = np.linspace(0, 1, QUANTILES), np.array(learned["quantiles"])
        # Equal quantiles are a step, whose middle is taken.
        rank = (np.interp(filled, quantiles, levels) - np.interp(-filled, -quantiles[::-1], -levels[::-1])) / 2
        scaled = np.clip(ndtri(rank), -WIDEST, WIDEST)
    else:
        scaled = (filled - learned["mean"]) / learned["std"]
    return [scaled, missing.astype(np.float64)] if learned["indicator"] else [scaled]


def _target_encoder(problem: Problem) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    if problem.is_exclusive:
        return TargetEncoder(target_type=problem.task, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    return TargetEncoder(target_type="continuous", cv=KFold(5, shuffle=True, random_state=0))


def _target_encoded(table: pd.DataFrame, columns: Sequence[Column], encoding: Encoding) -> dict[str, Array]:
    categories = _categories(table, columns)
    return {
        name: np.array([learned["of"].get(value, learned["else"]) for value in categories[name]], np.float64)
        for name, learned in encoding["targets"].items()
    }
