"""Blends among the runs: their members, what these predicted, and which kinds of model are not among them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from goldfold.blending import BlendSettings, LevelOne, gather
from goldfold.blending.blended import CARD, read_card
from goldfold.config.recipe import read_recipe
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PORTFOLIO
from goldfold.runs.run import Run, find_run

BLEND = "blend"
"""The folder of a blend's artifacts that says how it was made, and what its members are worth."""
WORTH = "worth.json"


def level_one(prepared: PreparedSet, runs: Sequence[Run]) -> LevelOne:
    """Gather what runs predicted; raises InputError where they are not of the same rows, folds and targets."""
    problem, ids = prepared.problem, prepared.test[prepared.problem.id]
    return gather(problem, ((run.name, run.cv(problem), run.predictions(problem, ids)) for run in runs), len(runs))


def made_of(blend: Run) -> tuple[BlendSettings, list[Run]]:
    """Return how a blend was made, and its members, by the names that it knows them by.

    Raises InputError for another run, and for a member that the store does not have any more.
    """
    if not blend.is_blend:
        raise InputError(f"{blend.name} is no blend", mend="name one that goldfold blend made")
    settings, runs = read_card(blend.folder(BLEND) / CARD)
    return settings, [replace(find_run(run), name=name) for name, run in runs.items()]


def untried(modality: str, runs: Sequence[Run]) -> dict[str, str]:
    """Return the models that the portfolio has for this kind of input, and no run has, each with the file that names it."""
    tried, found = {run.params.get("model.name") for run in runs}, dict[str, str]()
    for path in sorted((PORTFOLIO / modality).glob("*.yaml")):
        # One that cannot be read is told by the race.
        with suppress(InputError):
            model = read_recipe(path.parent, path.stem).get("model", {}).get("name")
            if model not in (None, *tried):
                found.setdefault(model, path.name)
    return found
