"""The section `sweep` of a recipe: a search over keys of params.yaml."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from goldfold.config.params import errors_of, reason, wrong_settings
from goldfold.config.recipe import with_values
from goldfold.config.section import Section, Seed
from goldfold.errors import InputError
from goldfold.imports import nearest

REFUSED = {
    "competition": "trials on other rows, or judged otherwise, cannot be compared",
    "split": "trials on other folds cannot be compared",
}


class Range(Section):
    """Numbers from `low` to `high`, both included; whole numbers if both are."""

    low: int | float
    """The lowest value."""
    high: int | float
    """The highest value."""
    log: bool = False
    """Search on a logarithmic scale, as for learning rates and weight decays."""
    step: int | float | None = Field(None, gt=0)
    """The distance between the values, counted from low."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low: {self.low} must be less than high: {self.high}")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("log needs a low above 0, and no step")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """The lowest and the highest value."""
        return self.low, self.high


Choices = tuple[Any, ...]
Space = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices"), Field(min_length=2)],
    Discriminator(lambda value: "range" if isinstance(value, dict | Range) else "choices"),
]


class PruneConfig(Section):
    """Which trials end early: those worse than most others after the same epoch of the first fold, or after as many folds."""

    percentile: float = Field(50, gt=0, lt=100)
    """A trial continues while it is among the best so many percent of the completed ones."""
    trials: int = Field(5, ge=1)
    """How many trials, the default settings included, are completed before any ends early."""
    after: float = Field(0.5, ge=0, lt=1)
    """The share of the first fold's epochs during which no trial ends: good schedules may start slowly."""


class SweepConfig(Section):
    """A search by Optuna: over which keys, and for how long."""

    trials: int | None = Field(None, ge=1)
    """How many settings to try beside the default ones."""
    hours: float | None = Field(None, gt=0)
    """How long to search in total, over all continuations."""
    space: dict[str, Space] = Field(min_length=1)
    """What to search: a range or a list of choices for each dotted key of params.yaml."""
    prune: PruneConfig | None = PruneConfig()
    """null completes every trial."""
    seed: Seed = 0
    """The seed of the proposals."""

    @field_validator("space")
    @classmethod
    def _of_trials_that_compare(cls, space: dict[str, Any]) -> dict[str, Any]:
        refused = [f"{key}: {REFUSED[key.partition('.')[0]]}" for key in space if key.partition(".")[0] in REFUSED]
        if refused:
            raise ValueError("; ".join(refused))
        lists = {key: values for key, values in space.items() if not isinstance(values, Range)}
        # True and 1 are the same to Optuna.
        twice = [f"{key}: {value} is listed twice" for key, values in lists.items() for value in _twice(values)]
        if twice:
            raise ValueError("; ".join(twice))
        return space

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.trials is None and self.hours is None:
            raise ValueError("give a budget: trials or hours, or both")
        return self


def _twice(values: tuple[Any, ...]) -> list[Any]:
    return [value for position, value in enumerate(values) if value in values[:position]]


def parse_sweep(section: Any, tree: Mapping[str, Any], source: str) -> SweepConfig:
    """Check the section `sweep` of a recipe, and that params.yaml takes the values on the edge of its space.

    Raises InputError with each wrong key and value.
    """
    try:
        sweep = SweepConfig.model_validate(section)
    except ValidationError as error:
        raise _wrong(source, [_message(problem) for problem in errors_of(error)]) from None
    messages = []
    for key, values in sweep.space.items():
        for value in values.ends if isinstance(values, Range) else values:
            wrong = wrong_settings(with_values(tree, {key: value}))
            messages += [f"sweep.space, {key} at {value}: {message}" for message in wrong]
    if messages:
        raise _wrong(source, list(dict.fromkeys(messages)))
    return sweep


def _message(problem: Any) -> str:
    keys = [str(part) for part in problem["loc"] if part not in ("range", "choices")]
    key = ".".join(["sweep", *keys])
    if problem["type"] == "extra_forbidden":
        sections: dict[int, type[Section]] = {1: SweepConfig, 2: PruneConfig}
        names = list(sections.get(len(keys), Range).model_fields)
        return f"{key}: there is no such key{nearest(keys[-1], names)}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing"
    if problem["type"] == "too_short":
        return f"{key}: " + ("give at least one key" if key == "sweep.space" else "give at least two values, or a range")
    return f"{key}: {reason(problem).replace('a list', 'a list or a range')}"


def _wrong(source: str, messages: list[str]) -> InputError:
    return InputError(
        f"{source} has {len(messages)} wrong setting{'s' * (len(messages) > 1)} of its search",
        messages,
        "correct them; docs/sweep.md shows how a search is written",
    )
