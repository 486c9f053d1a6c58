"""The space of a search, in Optuna's terms."""

import json
import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from goldfold.config import Range, SweepConfig
from goldfold.config.recipe import with_values


def suggest(trial: Trial, sweep: SweepConfig) -> dict[str, Any]:
    """Return the values that a trial is to try, by dotted key."""
    return {key: _suggested(trial, key, values) for key, values in sweep.space.items()}


def distributions(sweep: SweepConfig) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each key."""
    return {key: _distribution(values) for key, values in sweep.space.items()}


def size(sweep: SweepConfig) -> float:
    """Return how many settings the space holds; infinite where a key takes any number."""
    return math.prod(map(_size, distributions(sweep).values()))


def _size(space: BaseDistribution) -> float:
    if isinstance(space, CategoricalDistribution):
        return len(space.choices)
    if isinstance(space, IntDistribution | FloatDistribution) and space.step:
        return math.floor((space.high - space.low) / space.step + 1e-9) + 1
    return math.inf


def as_stored(sweep: SweepConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by key as Optuna stores them."""
    return {key: values[key] if isinstance(space, Range) else _label(values[key]) for key, space in sweep.space.items()}


def value_at(tree: Any, key: str) -> Any:
    """Return the value at a dotted key of a tree, in which numbers index lists; None where there is none."""
    for part in key.split("."):
        if isinstance(tree, list):
            tree = tree[int(part)] if part.isdecimal() and int(part) < len(tree) else None
        else:
            tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def overlay(recipe: Mapping[str, Any], values: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe with these values instead of its search; a list with a searched entry is copied from `tree`."""
    result: Any = {key: value for key, value in recipe.items() if key != "sweep"}
    chosen = with_values(tree, values)
    for key in values:
        parts = key.split(".")
        starts = [".".join(parts[:end]) for end in range(1, len(parts))]
        whole = next((start for start in starts if isinstance(value_at(chosen, start), list)), key)
        result = with_values(result, {whole: value_at(chosen, whole)})
    return dict(result)


def _suggested(trial: Trial, key: str, values: Range | tuple[Any, ...]) -> Any:
    if not isinstance(values, Range):
        choices = {_label(value): value for value in values}
        return choices[trial.suggest_categorical(key, list(choices))]
    distribution = _distribution(values)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
    drawn = trial.suggest_float(key, values.low, values.high, step=values.step, log=values.log)
    # Four digits are easier to read and make no difference.
    return min(max(float(f"{drawn:.4g}"), values.low), values.high)


def _distribution(values: Range | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, Range):
        return CategoricalDistribution([_label(value) for value in values])
    if isinstance(values.low, int) and isinstance(values.high, int) and not isinstance(values.step, float):
        return IntDistribution(values.low, values.high, values.log, values.step or 1)
    return FloatDistribution(values.low, values.high, values.log, values.step)


def _label(value: Any) -> Any:
    """Return a choice as Optuna stores it: a list or section as its JSON."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value)
