"""Boosted trees: rounds by early stopping, categories, and monotone columns, as scikit-learn and three libraries take them."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.metrics import Array


class Rows(NamedTuple):
    """Rows to learn from or to judge by: a matrix, what is true, and a weight for each, None where all count alike."""

    matrix: Any
    truth: Array
    weight: Array | None

    def where(self, chosen: Array) -> "Rows":
        """The rows of a mask, (n,) bool."""
        matrix = self.matrix[chosen]
        return Rows(matrix, self.truth[chosen], None if self.weight is None else self.weight[chosen])


class Library(NamedTuple):
    """How a library names what all of them have: the count of rounds, also by other names, and monotone columns.

    `best_of` fits an estimator until so many rounds bring nothing on other rows, and returns the best count; `all_rounds` are
    further arguments by which it then stops at that count alone. `native` returns the arguments by which it is told which columns
    are categories, by their places; None where it is not told this way. `directions` is what monotone columns are listed in.
    """

    rounds: tuple[str, ...]
    best_of: Callable[[Any, Rows, Rows, int], int]
    monotone: str = "monotone_constraints"
    directions: type[list[int]] | type[tuple[int, ...]] = list
    native: Callable[[Sequence[int]], dict[str, Any]] | None = None
    all_rounds: Mapping[str, Any] = {}


def library_of(estimator: Any) -> Library | None:
    """Return the library of an estimator of boosted trees; None for any other."""
    package = type(estimator).__module__.partition(".")[0]
    if package == "sklearn" and not type(estimator).__name__.startswith("HistGradientBoosting"):
        return None
    return _LIBRARIES.get(package)


def best_rounds(estimator: Any, rows: Rows, held_back: Array, patience: int) -> dict[str, Any]:
    """Return the arguments for as many rounds as are best on the rows `held_back`, (n,) bool, when the others are learned from.

    A class keeps its rows for learning where all of them would be held back; without any row held back it is all rounds. With
    several targets it is the mean of their best. Raises InputError for other than boosted trees.
    """
    one = estimator.estimator if rows.truth.ndim > 1 else estimator
    library = library_of(one)
    if library is None:
        name = type(one).__name__
        raise InputError(
            f"params.yaml, model.early_stopping: {name} does not learn in rounds",
            mend="leave it out; HistGradientBoosting, lightgbm:LGBM, xgboost:XGB and catboost:CatBoost stop early",
        )
    best = []
    for truth in rows.truth.reshape(len(rows.truth), -1).T:
        known = np.isin(truth, truth[~held_back]) if truth.dtype.kind != "f" else np.ones(len(truth), dtype=bool)
        judge, of_target = held_back & known, rows._replace(truth=truth)
        if judge.any():
            best.append(library.best_of(deepcopy(one), of_target.where(~judge), of_target.where(judge), patience))
    return given_rounds(estimator, max(1, round(np.mean(best))) if best else None)


def given_rounds(estimator: Any, rounds: int | None) -> dict[str, Any]:
    """Return the arguments by which boosted trees learn for so many rounds, or all of their own, and stop at no other."""
    one, prefix = (estimator.estimator, "estimator__") if hasattr(estimator, "estimator") else (estimator, "")
    library = library_of(one)
    assert library
    counted = {_rounds_name(one, library): rounds} if rounds else {}
    return {f"{prefix}{name}": value for name, value in {**counted, **library.all_rounds}.items()}


def rounds_of(estimator: Any) -> int:
    """Return how many rounds boosted trees are given."""
    estimator = getattr(estimator, "estimator", estimator)
    library = library_of(estimator)
    assert library
    return int(estimator.get_params()[_rounds_name(estimator, library)])


def _rounds_name(estimator: Any, library: Library) -> str:
    given = estimator.get_params()
    return next((name for name in library.rounds if given.get(name) is not None), library.rounds[0])


def monotone(estimator: Any, places: Mapping[int, int], columns: int) -> dict[str, Any]:
    """Return the argument that makes predictions rise (1) or fall (-1) with the columns at these places; raises InputError."""
    library = library_of(estimator)
    if library is None:
        raise InputError(
            f"params.yaml, model.monotone: {type(estimator).__name__} knows no monotone columns",
            mend="leave it out, or take HistGradientBoosting, lightgbm:LGBM, xgboost:XGB or catboost:CatBoost",
        )
    return {library.monotone: library.directions(places.get(column, 0) for column in range(columns))}


def native_categories(estimator: Any, places: Sequence[int]) -> dict[str, Any]:
    """Return the arguments that tell an estimator which columns of `with_categories` are categories; raises InputError."""
    library = library_of(estimator)
    if library is None or library.native is None:
        raise InputError(
            f"params.yaml, model.native_categories: {type(estimator).__name__} is not told of categories this way",
            mend="leave it out; lightgbm:LGBM, xgboost:XGB and catboost:CatBoost know them, and HistGradientBoosting always does",
        )
    return library.native(places)


def with_categories(numbers: Array, codes: Array, sizes: Sequence[int]) -> pd.DataFrame:
    """Return numbers and the codes of categories, (rows, …) each, as a frame with a column of type category for each of these."""
    columns: dict[str, Any] = {str(place): numbers[:, place] for place in range(numbers.shape[1])}
    for place, size in enumerate(sizes):
        columns[str(len(columns))] = pd.Categorical(codes[:, place], categories=list(range(size)))
    return pd.DataFrame(columns)


def _sklearn(estimator: Any, rows: Rows, held_back: Rows, patience: int) -> int:
    estimator.set_params(early_stopping=True, n_iter_no_change=patience, scoring="loss", tol=0)
    judged = {"X_val": held_back.matrix, "y_val": held_back.truth, "sample_weight_val": held_back.weight}
    estimator.fit(rows.matrix, rows.truth, sample_weight=rows.weight, **judged)
    # The first is that of no round.
    return int(np.argmax(estimator.validation_score_))


def _lightgbm(estimator: Any, rows: Rows, held_back: Rows, patience: int) -> int:
    import lightgbm

    judged = {
        "eval_X": held_back.matrix,
        "eval_y": held_back.truth,
        "eval_sample_weight": None if held_back.weight is None else [held_back.weight],
    }
    stop = lightgbm.early_stopping(patience, verbose=False)
    estimator.fit(rows.matrix, rows.truth, sample_weight=rows.weight, callbacks=[stop], **judged)
    return int(estimator.best_iteration_)


def _xgboost(estimator: Any, rows: Rows, held_back: Rows, patience: int) -> int:
    estimator.set_params(early_stopping_rounds=patience)
    judged = {
        "eval_set": [held_back[:2]],
        "sample_weight_eval_set": None if held_back.weight is None else [held_back.weight],
    }
    estimator.fit(rows.matrix, rows.truth, sample_weight=rows.weight, verbose=False, **judged)
    return int(estimator.best_iteration) + 1


def _catboost(estimator: Any, rows: Rows, held_back: Rows, patience: int) -> int:
    from catboost import Pool

    judged = Pool(
        held_back.matrix, held_back.truth, weight=held_back.weight, cat_features=estimator.get_params().get("cat_features")
    )
    estimator.fit(rows.matrix, rows.truth, sample_weight=rows.weight, eval_set=judged, early_stopping_rounds=patience)
    return int(estimator.get_best_iteration()) + 1


_LIBRARIES = {
    # From 10,000 rows on it would hold back some by itself.
    "sklearn": Library(("max_iter",), _sklearn, "monotonic_cst", all_rounds={"early_stopping": False}),
    # It sees which columns of the frame are categories.
    "lightgbm": Library(("n_estimators",), _lightgbm, native=lambda _: {}),
    "xgboost": Library(("n_estimators",), _xgboost, directions=tuple, native=lambda _: {"enable_categorical": True}),
    "catboost": Library(
        ("iterations", "n_estimators", "num_boost_round", "num_trees"),
        _catboost,
        native=lambda places: {"cat_features": list(places)},
    ),
}
