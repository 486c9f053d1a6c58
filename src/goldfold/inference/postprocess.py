"""Post-processing: what becomes of predictions before they are answered, fitted to out-of-fold predictions alone.

It is judged nested: the predictions of each fold are changed by what was fitted to the other folds' rows. What the test
predictions are changed by is fitted to all of them.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.imports import called
from goldfold.inference.averaging import knows_only_order
from goldfold.inference.steps import KEY, KINDS, Kind, Rows
from goldfold.metrics import Array

PARTS_OF_ONE_FOLD = 5
MOST_SHOWN = 6


@dataclass(frozen=True)
class Step:
    """A step of post-processing (see goldfold.inference.steps) and what was fitted, as JSON holds it."""

    name: str
    fitted: dict[str, Any]

    def __str__(self) -> str:
        values = [value for fitted in self.fitted.values() for value in (fitted if isinstance(fitted, list) else [fitted])]
        words = list(map(_word, values))
        return " ".join([self.name, *words[:MOST_SHOWN], *(["…"] if len(words) > MOST_SHOWN else [])])


def _word(value: Any) -> str:
    """A fitted value for people; sums as equations."""
    if isinstance(value, dict):
        return ", ".join(f"{total} = {' + '.join(parts)}" for total, parts in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Postprocess:
    """The steps that were fitted to all out-of-fold rows, and for each part of them those fitted to the other parts.

    The parts are the folds; where there is one only, the parts are every fifth row of it.
    """

    steps: Steps = ()
    nested: Mapping[int, Steps] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(map(str, self.steps))

    def to_json(self) -> dict[str, Any]:
        """The steps as JSON holds them."""
        nested = {str(part): [asdict(step) for step in steps] for part, steps in self.nested.items()}
        return {"steps": [asdict(step) for step in self.steps], "nested": nested}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Postprocess":
        """Rebuild what `to_json` gave."""
        nested = {int(part): tuple(Step(**step) for step in steps) for part, steps in value["nested"].items()}
        return cls(tuple(Step(**step) for step in value["steps"]), nested)

    def judged(self, problem: Problem, table: pd.DataFrame, prediction: Array) -> Array:
        """Out-of-fold predictions as they are judged: those of each part changed by what was fitted to the others."""
        if not self.steps:
            return prediction
        parts = parts_of(table)
        pieces = {part: processed(problem, steps, prediction[parts == part]) for part, steps in self.nested.items()}
        first = next(iter(pieces.values()))
        judged = np.empty((len(prediction), *first.shape[1:]), object if problem.has_masks else np.float64)
        for part, piece in pieces.items():
            judged[parts == part] = piece
        return judged


def fit_postprocess(
    problem: Problem,
    asked: Literal["auto"] | Sequence[Component],
    table: pd.DataFrame,
    prediction: Array,
) -> Postprocess:
    """Fit steps to out-of-fold predictions, once to all of them and once without each part.

    `table` holds Problem.columns and `fold` of the rows of Problem.per_answer. Raises InputError for steps that do not fit the
    task or the metric.
    """
    components = automatic(problem) if asked == "auto" else asked
    if not components:
        return Postprocess()
    parts = parts_of(table)
    nested = {
        int(part): _fit(problem, components, table[parts != part].reset_index(drop=True), prediction[parts != part])
        for part in np.unique(parts)
    }
    return Postprocess(_fit(problem, components, table, prediction), nested)


def parts_of(table: pd.DataFrame) -> Array:
    """The part of each row: its fold, or where there is one only its place modulo five."""
    folds = table["fold"].to_numpy()
    return folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % PARTS_OF_ONE_FOLD


def processed(problem: Problem, steps: Steps, prediction: Array) -> Array:
    """Predictions changed by fitted steps, in turn."""
    for step in steps:
        prediction = KINDS[step.name].change(problem, prediction, **step.fitted)
    return prediction


def automatic(problem: Problem) -> tuple[Component, ...]:
    """The steps that `auto` stands for: those by which the metric gains, as a rule."""
    metric = problem.scored_by
    steps: dict[str, str] = {
        "log_loss": "temperature",
        "balanced_log_loss": "temperature",
        "weighted_log_loss": "temperature",
        "kl_divergence": "temperature",
        "brier": "temperature",
        "probabilistic_f1": "binarise",
        "laplace_log_likelihood": "confidence",
    }
    step = steps.get(metric.name)
    if metric.name.endswith("kappa") and problem.task != "binary":
        step = "cut_points"
    elif metric.needs == "mask":
        step = "mask"
    elif metric.needs == "label" and problem.task in ("binary", "multilabel"):
        step = "threshold"
    elif metric.name in ("f1_macro", "balanced_accuracy") and len(problem.classes) <= 20:
        step = "class_weights"
    return (Component(name=step),) if step else ()


def _fit(problem: Problem, components: Sequence[Component], table: pd.DataFrame, prediction: Array) -> Steps:
    steps: list[Step] = []
    truth = problem.truth(table)
    require_steps(components)
    for component in components:
        kind = KINDS[component.name]
        if problem.task not in kind.tasks:
            fitting = [name for name, step in KINDS.items() if problem.task in step.tasks]
            raise InputError(
                f"params.yaml, {KEY}: {component.name} does not apply to a {problem.task} task",
                mend=f"give some of {', '.join(fitting)}",
            )
        needs = problem.scored_by.needs
        if kind.needs not in (None, needs):
            raise InputError(
                f"params.yaml, {KEY}: {component.name} is for metrics of a {kind.needs}, and {problem.metric} needs a {needs}",
                mend="leave it out",
            )
        fitted = called(kind.fit, KEY, Rows(problem, truth, prediction, table), **component.args)
        if component.name == "rank":
            _require_ranks(problem, table, prediction)
        steps.append(Step(component.name, fitted))
        prediction = processed(problem, (steps[-1],), prediction)
    return tuple(steps)


def require_steps(components: Sequence[Component]) -> None:
    """Raise InputError for what a step does not take, and for what it lacks."""
    for component in components:
        _require_arguments(component, KINDS[component.name])


def _require_arguments(component: Component, kind: Kind) -> None:
    takes = [name for name in inspect.signature(kind.fit).parameters if name != "rows"]
    wrong = [name for name in component.args if name not in takes]
    missing = [name for name in takes if name not in component.args]
    if wrong:
        words = f"it takes {', '.join(takes)} alone" if takes else "what it needs is fitted"
        raise InputError(f"params.yaml, {KEY}: {component.name} takes no {wrong[0]}: {words}", mend=f"leave {wrong[0]} out")
    if missing:
        written = ", ".join([f"name: {component.name}", *(f"{name}: …" for name in missing)])
        raise InputError(f"params.yaml, {KEY}: {component.name} needs {' and '.join(missing)}", mend=f"write it as {{{written}}}")


def _require_ranks(problem: Problem, table: pd.DataFrame, prediction: Array) -> None:
    """Raise InputError where the metric would take ranks for probabilities, values or labels."""
    if problem.metric != "pearson" and not knows_only_order(problem, table, prediction):
        raise InputError(
            f"params.yaml, {KEY}: rank is for metrics of an order and pearson, and {problem.metric} sees more than the order",
            mend="leave it out",
        )
