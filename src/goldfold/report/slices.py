"""The score on parts of the rows: by class, and by the values of columns."""

from contextlib import suppress

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array, hard_labels

FEW = 20
"""The number of different values of a column above which numbers are cut into quantiles."""
SHOWN = 12
QUANTILES = 5
SURE = 3.0
"""The standard errors by which a marked part's loss lies above that of the other rows."""
MISSING = "missing"


def by_part(problem: Problem, table: pd.DataFrame, prediction: Array, losses: Array, part: pd.Series) -> pd.DataFrame:
    """Score each part of the rows; `part`, (n,) of a categorical type, has the part of each row.

    Columns: part, rows, score (NaN where the metric is undefined there), loss (the rows' mean, see `row_losses`), and worse:
    whether that lies above the mean of the other rows by more than three standard errors.
    """
    lines, truth = [], problem.truth(table)
    for name in part.cat.categories:
        here = (part == name).to_numpy()
        score = float("nan")
        # A metric may raise anything on rows of a single class.
        with suppress(Exception):
            score = problem.score(truth[here], prediction[here], table[here].reset_index(drop=True))
        worse = _errors_above(losses[here], losses[~here]) > SURE
        lines.append({"part": name, "rows": int(here.sum()), "score": score, "loss": losses[here].mean(), "worse": worse})
    return pd.DataFrame(lines)


def _errors_above(losses: Array, others: Array) -> float:
    """Return by how many standard errors the mean of some losses lies above that of others (Welch 1947)."""
    if min(len(losses), len(others)) < 2:
        return 0.0
    error = np.sqrt(losses.var(ddof=1) / len(losses) + others.var(ddof=1) / len(others))
    return float((losses.mean() - others.mean()) / error) if error else 0.0


def parts_of_column(values: pd.Series) -> pd.Series | None:
    """Return the part of each row by a column, as a categorical; None for many different texts, and for a single value.

    Each of the twelve most frequent values is a part, the rest are `others`; many different numbers are cut into quantiles.
    """
    if values.nunique(dropna=False) < 2:
        return None
    if values.nunique() > FEW:
        return _quantiles(values) if pd.api.types.is_numeric_dtype(values) else None
    kept = list(values.value_counts().index[:SHOWN])
    names = {value: f"{value:.6g}" if isinstance(value, float) else str(value) for value in kept}
    named = values.map(names).astype("object").where(values.isin(kept), "others").where(values.notna(), MISSING)
    order = [names[value] for value in (sorted(kept) if pd.api.types.is_numeric_dtype(values) else kept)]
    categories = [name for name in dict.fromkeys([*order, "others", MISSING]) if (named == name).any()]
    return pd.Series(pd.Categorical(named, categories=categories))


def _quantiles(values: pd.Series) -> pd.Series:
    finite = values.astype(float).replace([np.inf, -np.inf], np.nan)
    cut = pd.qcut(finite, QUANTILES, duplicates="drop")
    first, *others = cut.cat.categories
    names = [f"up to {first.right}", *(f"{part.left} to {part.right}" for part in others)]
    named = cut.cat.rename_categories(names)
    if named.isna().any():
        named = named.cat.add_categories(MISSING).fillna(MISSING)
    return named.reset_index(drop=True)


def explained(losses: Array, part: pd.Series) -> float:
    """Return the share of the losses' variance that lies between parts, adjusted for chance (Kelley 1935)."""
    groups = pd.Series(losses).groupby(part.to_numpy(), observed=True)
    within, between = groups.transform("mean"), groups.ngroups - 1
    left = float(((losses - within) ** 2).sum())
    whole = float(((losses - losses.mean()) ** 2).sum())
    return (whole - left - between * left / max(len(losses) - groups.ngroups, 1)) / whole if whole else 0.0


def by_class(problem: Problem, truth: Array, prediction: Array, losses: Array) -> pd.DataFrame:
    """Return how well each class is predicted (binary, multiclass), and the class that it is most often confused with."""
    actual, predicted = problem.class_of(truth), hard_labels(problem.task, prediction)
    lines = []
    for class_number, name in enumerate(problem.classes):
        here, there = actual == class_number, predicted == class_number
        right = int((here & there).sum())
        wrong = np.bincount(predicted[here & ~there], minlength=len(problem.classes))
        named = f"{problem.classes[int(wrong.argmax())]} ({wrong.max()})" if wrong.any() else ""
        lines.append(_counts(name, here.sum(), there.sum(), right) | {"loss": _mean(losses[here]), "taken for": named})
    return pd.DataFrame(lines)


def by_label(problem: Problem, truth: Array, prediction: Array) -> pd.DataFrame:
    """Return how well each label of a multilabel task is predicted."""
    predicted = hard_labels(problem.task, prediction)
    columns = zip(problem.names, truth.T.astype(bool), predicted.T.astype(bool), strict=True)
    return pd.DataFrame([_counts(name, here.sum(), there.sum(), (here & there).sum()) for name, here, there in columns])


def _counts(name: str, rows: int, predicted: int, right: int) -> dict[str, object]:
    counts = {"rows": int(rows), "found": int(right), "missed": int(rows - right), "false": int(predicted - right)}
    shares = {"recall": right / rows if rows else np.nan, "precision": right / predicted if predicted else np.nan}
    return {"class": name, **counts, **shares}


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")
