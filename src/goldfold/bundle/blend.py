"""BlendBundle: the members of a blend, cheapest first, and how the first so many of them are blended."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.blending.fits import fit_of
from goldfold.blending.level_one import LevelOne
from goldfold.blending.linear import Linear
from goldfold.blending.settings import BlendSettings
from goldfold.bundle.bundle import Bundle
from goldfold.bundle.foreign import CODE, Foreign
from goldfold.bundle.pace import Pace
from goldfold.bundle.packing import CARD, Packing, packed, size_of, versions_here
from goldfold.competition import Competition, Problem
from goldfold.config import Config, ValidateConfig, parse_config
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.inference.averaging import to_scale
from goldfold.inference.postprocess import Step, Steps, fit_postprocess
from goldfold.metrics import Array
from goldfold.prediction import Submission

MEMBERS = "members"
Part = Bundle | Foreign


@dataclass(frozen=True)
class Plan:
    """How members are blended, and the post-processing of that."""

    linear: Linear
    postprocess: Steps


@dataclass(frozen=True)
class BlendBundle:
    """A blend's members, in the order in which they predict, with the pace of each, and a plan for each number of them.

    Files: bundle.json, members/<number>/ (see Bundle and Foreign), and what every bundle has.
    """

    name: str
    problem: Problem
    config: Config
    paces: Mapping[str, Pace]
    plans: Sequence[Plan]
    hours: float
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The members' names."""
        return list(self.paces)

    def save(self, parts: Mapping[str, Part], folder: Path, packing: Packing) -> int:
        """Write the files, with the members by their names, as `Bundle.save` does; return the folder's size in bytes."""
        with packed(folder, self.name, self.problem.name, packing) as draft:
            for number, name in enumerate(self.names):
                parts[name].write(draft / MEMBERS / str(number))
            card = {
                "name": self.name,
                "problem": self.problem.to_json(),
                "config": self.config.model_dump(mode="json", by_alias=True),
                "members": [{"name": name, "pace": asdict(pace)} for name, pace in self.paces.items()],
                "plans": [
                    {
                        "linear": plan.linear.to_json(self.names[:number]),
                        "postprocess": [asdict(step) for step in plan.postprocess],
                    }
                    for number, plan in enumerate(self.plans, 1)
                ],
                "hours": self.hours,
                "versions": versions_here(),
            }
            write_json(draft / CARD, card)
        return size_of(folder)

    @classmethod
    def load(cls, folder: Path) -> "BlendBundle":
        """Read what `save` wrote."""
        card: dict[str, Any] = read_json(folder / CARD)
        return cls(
            name=card["name"],
            problem=Problem.from_json(card["problem"]),
            config=parse_config(card["config"], str(folder / CARD)),
            paces={member["name"]: Pace(**member["pace"]) for member in card["members"]},
            plans=[
                Plan(Linear.from_json(plan["linear"]), tuple(Step(**step) for step in plan["postprocess"]))
                for plan in card["plans"]
            ],
            hours=card["hours"],
            versions=card["versions"],
        )

    def load_part(self, folder: Path, name: str) -> Part:
        """Read a member of a bundle that was saved to `folder`, so that one at a time is in memory."""
        place = folder / MEMBERS / str(self.names.index(name))
        return Foreign.load(place, self.problem) if (place / CODE).is_dir() else Bundle.load(place)

    def blended(self, competition: Competition, predictions: Sequence[pd.DataFrame]) -> Submission:
        """Blend the test predictions of the first members, a table by id each, by the plan for as many."""
        problem, plan = self.problem, self.plans[len(predictions) - 1]
        columns = [problem.id, *([problem.answer_id] if problem.answer_id else [])]
        ids = competition.test[columns].reset_index(drop=True)
        values = [problem.predictions(table.set_index(problem.id).loc[list(ids[problem.id])]) for table in predictions]
        stacked: Array = np.stack([to_scale(problem, member, plan.linear.on) for member in values])
        table = pd.concat([ids, problem.table(plan.linear.predict(problem, stacked))], axis=1)
        return Submission(problem, competition.sample, table, plan.postprocess)


def plans_of(level: LevelOne, settings: BlendSettings, config: ValidateConfig) -> list[Plan]:
    """Fit a blend to the first member, to the first two, and so on to all; each with post-processing of its own.

    Raises InputError for a stack of another model, which has no coefficients to take along.
    """
    if settings.method == "stack":
        raise InputError(
            "a stack's model cannot be bundled", mend="blend by regression, whose coefficients can: --method logistic or ridge"
        )
    problem, scaled, plans = level.problem, level.on(settings.on), list[Plan]()
    for number in range(1, len(level.names) + 1):
        by, first = (BlendSettings("equal", "predictions"), level) if number == 1 else (settings, scaled)
        fitted = fit_of(problem, by)(first.values[:number], level.table)
        table, raw = problem.per_answer(level.table, fitted.predict(first.values[:number]))
        steps = fit_postprocess(problem, config.postprocess, table, raw).steps
        # Of the methods, a stack alone has no weights.
        plans += [Plan(fitted.linear, steps)] if fitted.linear else []
    return plans
