"""From a blend among the runs to its bundle: which members come along, in which order, and what the others cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from goldfold.blending import BlendSettings, LevelOne
from goldfold.blending.fits import fit_of
from goldfold.blending.nesting import nested
from goldfold.blending.worth import worths
from goldfold.bundle.blend import BlendBundle, Part, plans_of
from goldfold.bundle.bundle import Bundle
from goldfold.bundle.cpu import has_networks, on_cpu
from goldfold.bundle.foreign import Foreign
from goldfold.bundle.pace import Pace, paced, timed_once
from goldfold.bundle.turns import read_test
from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.runs.blends import level_one, made_of
from goldfold.runs.run import CODE, Run
from goldfold.validation.cross_validation import judged

CLOSE = 1e-3
"""How far a command's predictions may lie from those that were imported, in terms of their spread."""


@dataclass(frozen=True)
class Bundled:
    """A blend's bundle, the members that were left out with the reason, and the nested score before and after."""

    bundle: BlendBundle
    parts: Mapping[str, Part]
    left_out: Mapping[str, str]
    before: float
    after: float


def bundle_blend(
    blend: Run,
    prepared: PreparedSet,
    config: Config,
    hours: float,
    rows: int,
    worth: float | None,
    networks: Path | None = None,
) -> Bundled:
    """Bundle a blend: its members cheapest first, for so many test rows, and only those that end in so many `hours`.

    A member that cannot predict elsewhere is left out, and with `worth` one after another of those that are worth less to the
    nested score. With a folder for `networks` these predict by ONNX Runtime. Raises InputError where none is left, and for a
    stack's model.
    """
    settings, members = made_of(blend)
    level = level_one(prepared, members)
    parts, left_out = _parts(members, prepared, networks)
    kept = level.only(list(parts))
    for name in _worthless(kept, settings, config, worth) if worth is not None else ():
        left_out[name] = f"worth less than {worth:g}"
        del parts[name]
    paces = {name: _pace(part, prepared, level, config) for name, part in parts.items()}
    order = sorted(parts, key=lambda name: paces[name].seconds(rows))
    ends = np.cumsum([paces[name].seconds(rows) for name in order])
    for name in [name for name, end in zip(order, ends, strict=True) if end > hours * 3600]:
        left_out[name] = f"too slow: {paces[name].seconds(rows):.0f} s for {rows} rows, which end after {hours:g} hours"
        order.remove(name)
    if not order:
        raise InputError(f"no member of {blend.name} can be bundled", [f"{name}: {why}" for name, why in left_out.items()])
    kept = level.only(order)
    bundle = BlendBundle(
        name=blend.name,
        problem=prepared.problem,
        config=config,
        paces={name: paces[name] for name in order},
        plans=plans_of(kept, settings, config.validate_),
        hours=hours,
    )
    return Bundled(bundle, parts, left_out, _nested_score(level, settings, config), _nested_score(kept, settings, config))


def _parts(members: Sequence[Run], prepared: PreparedSet, networks: Path | None) -> tuple[dict[str, Part], dict[str, str]]:
    """What of each member predicts other rows, and why some cannot."""
    parts, left_out = dict[str, Part](), dict[str, str]()
    for member in members:
        try:
            if command := member.command:
                parts[member.name] = Foreign(member.name, prepared.problem, command, member.folder(CODE))
            else:
                bundle = Bundle(member.name, member.config(), member.ensemble())
                if networks and has_networks(bundle):
                    predicted = member.predictions(prepared.problem, prepared.test[prepared.problem.id])
                    folder = networks / str(len(parts))
                    bundle, _ = on_cpu(bundle, prepared, prepared.problem.predictions(predicted), folder)
                parts[member.name] = bundle
        except InputError as error:
            left_out[member.name] = str(error).splitlines()[0]
    return parts, left_out


def _worthless(level: LevelOne, settings: BlendSettings, config: Config, least: float) -> list[str]:
    """The members without which the nested score loses less than `least`, found one after another, the least first."""
    found, no_interval = list[str](), config.validate_.model_copy(update={"bootstrap": 1})
    while len(level.names) > 1:
        worst = min(worths(level, settings, no_interval), key=lambda worth: worth.gain)
        if worst.gain >= least:
            break
        found.append(worst.name)
        level = level.without(worst.name)
    return found


def _pace(part: Part, prepared: PreparedSet, level: LevelOne, config: Config) -> Pace:
    """Measure a member on the competition's test rows; of a command also whether it predicts what was imported."""
    if isinstance(part, Bundle):
        return paced(part.predict, read_test(part.name, part.problem, part.config, Path(part.config.competition.path)))
    problem, competition = prepared.problem, read_test(part.name, part.problem, config, Path(config.competition.path))
    pace, predictions = timed_once(part.predict, competition)
    values = problem.predictions(predictions.set_index(problem.id).loc[list(level.test_table[problem.id])])
    imported = level.only([part.name]).test_values[0]
    apart = float(np.abs(values - imported).max())
    if apart > CLOSE * max(float(imported.std()), 1e-12):
        raise InputError(
            f"the command of {part.name} predicts other values than were imported: they differ by up to {apart:.3g}",
            mend="import its predictions again, of the same models as its code has",
        )
    return pace


def _nested_score(level: LevelOne, settings: BlendSettings, config: Config) -> float:
    """The nested score of a blend, post-processed as fitted to the other folds; of a single member its own."""
    if len(level.names) == 1:
        return next(iter(level.scores.values()))
    problem = level.problem
    made = nested(fit_of(problem, settings), level.on(settings.on).values, level.table)
    table, answers = judged(problem, level.table, made.prediction, config.validate_)
    return problem.score(problem.truth(table), answers, table)
