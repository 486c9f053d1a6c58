"""Gates: what keeps a member out that would spoil a blend, each with its figure.

They see what numbers show: a member that had seen its rows passes where its model overfits no more than its neighbours do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.inference.averaging import to_scale
from goldfold.members.member import Member
from goldfold.metrics import Array
from goldfold.validation.cross_validation import row_losses

SAME = 0.9999
SPREAD = (0.6, 1.3)
"""How wide test predictions may be, in terms of the out-of-fold ones: a mean of five folds is narrower than each."""
SHIFT = 0.35
"""How far apart their means may be, in deviations."""
AGREEMENT = 0.25
"""How far the agreement with a neighbour, as Fisher's z, may rise from the training rows to the test rows."""
INTERVALS = 3.0
"""How many widths of the best neighbour's interval above it a score is credible."""


@dataclass(frozen=True)
class Finding:
    """What a gate found: its name, and a sentence with the figure."""

    gate: str
    text: str


def require_believable(member: Member, others: Mapping[str, Member], force: bool = False) -> list[Finding]:
    """Return what the gates found against a member beside others, by name; raises InputError for findings unless `force`."""
    # A constant has no correlation, and is found by its score.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [*_score(member, others), *_folds(member, others), *_shape(member), *_duplicates(member, others)]
    if found and not force:
        raise InputError(
            f"{member.name} was not taken in",
            [f"{finding.gate}: {finding.text}" for finding in found],
            "predict each row by a model that has not seen it; --force takes it in as it is, and writes this down",
        )
    return found


def _score(member: Member, others: Mapping[str, Member]) -> list[Finding]:
    """A score that no model has, or that none needs."""
    problem, scores, oof = member.cv.problem, member.cv.scores, member.cv.oof
    metric, truth = problem.scored_by, problem.truth(oof)
    constant = problem.score_rows(oof, _constant(problem, truth))
    if np.isfinite(constant) and not metric.better(scores.score, constant):
        what = f"{metric.name} {scores.score:.5g} is no better than a constant's, {constant:.5g}"
        return [Finding("score", f"{what}: rows in another order?")]
    if row_losses(problem, truth, member.values(oof)).max() < 1e-6:
        return [Finding("score", f"{metric.name} {scores.score:.5g}: it predicts the truth of every row")]
    sign = 1 if metric.maximize else -1
    best = max((other.cv.scores for other in others.values()), key=lambda one: sign * one.score, default=None)
    if best is None:
        return []
    gain, width = sign * (scores.score - best.score), best.high - best.low
    if gain > INTERVALS * width:
        what = f"{metric.name} {scores.score:.5g} is {gain / width:.1f} intervals better than the best other's, {best.score:.5g}"
        return [Finding("score", f"{what}: had its models seen these rows?")]
    return []


def _folds(member: Member, others: Mapping[str, Member]) -> list[Finding]:
    """Whether it agrees with others on training rows as on test rows: one that had seen the training rows does not."""
    noise = 4 * np.sqrt(1 / len(member.cv.oof) + 1 / len(member.test))
    for name, other in others.items():
        here, there = (_agreement(member, other, kind) for kind in ("oof", "test"))
        here_z, there_z = np.arctanh(np.clip([here, there], -0.999999, 0.999999))
        if there_z - here_z > max(AGREEMENT, noise):
            what = f"it agrees with {name} by {here:.3f} on training rows and by {there:.3f} on test rows"
            return [Finding("folds", f"{what}: had its models seen the training rows?")]
    return []


def _shape(member: Member) -> list[Finding]:
    """Whether test predictions are spread as out-of-fold ones are."""
    problem = member.cv.problem
    oof, test = member.values(member.cv.oof), member.values(member.test)
    what = "values"
    if problem.task != "regression":
        oof, test = (to_scale(problem, np.clip(each, 1e-6, 1 - 1e-6), "logits") for each in (oof, test))
        what = "logits"
    ratio = float(test.std() / max(float(oof.std()), 1e-12))
    apart = np.abs(np.mean(test, axis=0) - np.mean(oof, axis=0))
    shift = float(np.max(apart / np.maximum(oof.std(axis=0), 1e-12)))
    if not SPREAD[0] <= ratio <= SPREAD[1]:
        return [Finding("shape", f"test {what} are spread {ratio:.2f} times as wide as out-of-fold ones")]
    if shift > SHIFT:
        return [Finding("shape", f"test {what} lie {shift:.2f} deviations from out-of-fold ones")]
    return []


def _duplicates(member: Member, others: Mapping[str, Member]) -> list[Finding]:
    for name, other in others.items():
        one, same = (values.ravel() for values in _side_by_side(member, other, "oof"))
        likeness = float(np.corrcoef(one, same)[0, 1])
        if likeness > SAME:
            return [Finding("duplicates", f"its predictions are {name}'s: a correlation of {likeness:.6f}")]
    return []


def _side_by_side(member: Member, other: Member, kind: str) -> tuple[Array, Array]:
    """The predictions of two members, rows matched by id."""
    key = member.cv.problem.id
    mine, theirs = (one.cv.oof if kind == "oof" else one.test for one in (member, other))
    both = mine[key].isin(theirs[key])
    return member.values(mine[both]), other.values(theirs.set_index(key).loc[list(mine[key][both])])


def _agreement(member: Member, other: Member, kind: str) -> float:
    """The rank correlation of two members' predictions, over all outputs."""
    one, same = (pd.DataFrame(values.reshape(len(values), -1)).rank() for values in _side_by_side(member, other, kind))
    return float(np.corrcoef(one.to_numpy().ravel(), same.to_numpy().ravel())[0, 1])


def _constant(problem: Problem, truth: Array) -> Array:
    """What a model without inputs predicts: the classes' shares, or the mean."""
    if problem.task == "binary":
        return np.full(len(truth), truth.mean())
    if problem.task == "multiclass" and truth.ndim == 1:
        shares = np.bincount(truth, minlength=len(problem.names)) / len(truth)
        return np.tile(shares, (len(truth), 1))
    centre = np.expm1(np.log1p(truth).mean(axis=0)) if problem.scored_by.logs else truth.mean(axis=0)
    return np.broadcast_to(centre, truth.shape).copy()
