"""The space of a search, as Optuna knows it."""

import json
import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from goldfold.config import Range, SweepConfig
from goldfold.config.recipe import with_values


def suggest(trial: Trial, sweep: SweepConfig) -> dict[str, Any]:
    """The values that a trial is to try, by dotted key."""
    return {key: _suggested(trial, key, values) for key, values in sweep.space.items()}


def distributions(sweep: SweepConfig) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each key."""
    return {key: _distribution(values) for key, values in sweep.space.items()}


def size(sweep: SweepConfig) -> float:
    """How many settings the space holds; infinite where a key takes any number."""
    return math.prod(map(_size, distributions(sweep).values()))


def _size(space: BaseDistribution) -> float:
    if isinstance(space, CategoricalDistribution):
        return len(space.choices)
    if isinstance(space, IntDistribution | FloatDistribution) and space.step:
        return math.floor((space.high - space.low) / space.step + 1e-9) + 1
    return math.inf


def as_stored(sweep: SweepConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key as Optuna stores them."""
    return {key: values[key] if isinstance(space, Range) else _label(values[key]) for key, space in sweep.space.items()}


def value_at(tree: Any, key: str) -> Any:
    """The value at a dotted key of a tree, a number among its parts being a place in a list; None where there is none."""
    for part in key.split("."):
        if isinstance(tree, list):
            tree = tree[int(part)] if part.isdecimal() and int(part) < len(tree) else None
        else:
            tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def overlay(recipe: Mapping[str, Any], values: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with these values in the place of its search; a list in which one entry is searched is taken from `tree`."""
    found: Any = {key: value for key, value in recipe.items() if key != "sweep"}
    chosen = with_values(tree, values)
    for key in values:
        parts = key.split(".")
        starts = [".".join(parts[:end]) for end in range(1, len(parts))]
        whole = next((start for start in starts if isinstance(value_at(chosen, start), list)), key)
        found = with_values(found, {whole: value_at(chosen, whole)})
    return dict(found)


def _suggested(trial: Trial, key: str, values: Range | tuple[Any, ...]) -> Any:
    if not isinstance(values, Range):
        choices = {_label(value): value for value in values}
        return choices[trial.suggest_categorical(key, list(choices))]
    found = _distribution(values)
    if isinstance(found, IntDistribution):
        return trial.suggest_int(key, found.low, found.high, step=found.step, log=found.log)
    drawn = trial.suggest_float(key, values.low, values.high, step=values.step, log=values.log)
    # Digits that change nothing are not for people to read.
    return min(max(float(f"{drawn:.4g}"), values.low), values.high)


def _distribution(values: Range | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, Range):
        return CategoricalDistribution([_label(value) for value in values])
    if isinstance(values.low, int) and isinstance(values.high, int) and not isinstance(values.step, float):
        return IntDistribution(values.low, values.high, values.log, values.step or 1)
    return FloatDistribution(values.low, values.high, values.log, values.step)


def _label(value: Any) -> Any:
    """What Optuna stores of a choice: itself, or its JSON where it is no plain value."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value)
