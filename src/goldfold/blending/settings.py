"""How members are blended."""

from dataclasses import dataclass
from typing import Literal

from goldfold.blending.level_one import LevelOne
from goldfold.config import Scale
from goldfold.errors import InputError
from goldfold.inference.averaging import changes_in_steps, knows_only_order, require_scale

Method = Literal["hill", "slsqp", "equal", "ridge", "nnls", "logistic", "stack"]
SIGNED = ("hill", "slsqp", "ridge", "logistic")
"""The methods that can have weights below zero."""


@dataclass(frozen=True)
class BlendSettings:
    """How members are blended: the method, the scale of the predictions, a stack's model, and whether weights may be negative."""

    method: Method
    on: Scale
    model: str | None = None
    negative: bool = False


def default_scale(level: LevelOne, method: Method) -> Scale:
    """Return the scale that suits a method: logits for what predicts their odds, ranks for least squares under an order."""
    problem = level.problem
    if method in ("stack", "logistic") and problem.task != "regression":
        return "logits"
    if (
        method in ("ridge", "nnls")
        and problem.task in ("binary", "multilabel")
        and knows_only_order(problem, level.table, level.values[0])
    ):
        return "ranks"
    return "predictions"


def candidates(level: LevelOne, negative: bool) -> list[BlendSettings]:
    """Return what `auto` chooses from: each method that is fast enough for a hundred members, on the scale that suits it."""
    order = level.problem.task in ("binary", "multilabel") and knows_only_order(level.problem, level.table, level.values[0])
    scale: Scale = "ranks" if order else "predictions"
    methods: list[Method] = ["equal", "hill", "nnls", "ridge", "logistic"]
    if level.problem.task == "regression":
        methods.remove("logistic")
    return [
        BlendSettings(method, "logits" if method == "logistic" else scale, negative=negative and method in SIGNED)
        for method in methods
    ]


def require_suitable(level: LevelOne, settings: BlendSettings) -> None:
    """Raise InputError for settings that do not suit the problem, and for a single fold if there is something to fit."""
    problem, table = level.problem, level.table
    for prediction in level.values:
        require_scale(problem, table, prediction, settings.on, "--on ")
    if settings.method != "equal" and table["fold"].nunique() < 2:
        raise InputError(
            "the members were validated on one fold, so there is no other fold to fit the blend to",
            mend="train two or more folds, or give all members the same weight: --method equal",
        )
    if settings.method == "slsqp" and settings.on == "ranks" and changes_in_steps(problem, table, level.values[0]):
        raise InputError(f"{problem.metric} of ranks changes in steps, and slsqp needs gradients", mend="give --method hill")
    if settings.method == "logistic" and problem.task == "regression":
        raise InputError("--method logistic fits probabilities, and this is a regression", mend="give --method ridge")
    if settings.negative and settings.method not in SIGNED:
        raise InputError(
            f"--negative: the weights of {settings.method} are never below zero", mend=f"give --method {', '.join(SIGNED)}"
        )
