"""Leaks: facts beside a model's inputs that predict the target, as ids, positions in the table, and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from goldfold.audit.facts import ID_LENGTH, ID_NUMBER, POSITION
from goldfold.audit.finding import Finding
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet

FEWEST_ROWS, MOST_ROWS, MOST_CLASSES = 30, 10_000, 50
LEAVES, SPLITS, SHUFFLES, NAMED = 16, 5, 10, 3
BARE = (ID_NUMBER, ID_LENGTH, "the file's date")
"""Facts that have nothing to do with a row's content."""
LEAST, LEAST_OF_CONTENT = 0.05, 0.1
"""The least shares of the target's variance for a finding: of a bare fact, and of one that depends on content."""
SURE = 0.01
"""The probability that chance makes a finding of any of the facts."""


@dataclass(frozen=True)
class Leak:
    """A fact, the share of the target's variance that it explains on unseen rows, the mean ROC AUC of the classes (None without
    classes), and whether that is enough, and more than chance, for a finding."""

    fact: str
    explained: float
    auc: float | None
    holds: bool

    @property
    def kind(self) -> str:
        """The kind of the fact."""
        return "ids and dates" if self.fact in BARE else "order" if self.fact == POSITION else "files"


def find_leaks(facts: pd.DataFrame, prepared: PreparedSet) -> list[Leak]:
    """Return how well each fact of the training rows predicts the target, the best first.

    Each is the only input of a cross-validated decision tree; a good one is compared with shuffled targets.
    """
    rows = _some(len(prepared.train), MOST_ROWS)
    target = _target(prepared, rows)
    if len(rows) < FEWEST_ROWS or not target.shape[1]:
        return []
    leaks = [_leak(str(name), facts[name].to_numpy()[rows], target, facts.shape[1], prepared) for name in facts.columns]
    return sorted(leaks, key=lambda leak: -leak.explained)


def findings(leaks: Sequence[Leak], prepared: PreparedSet) -> list[Finding]:
    """Return a finding for each kind of facts; bare facts are serious."""
    targets = prepared.problem.targets
    names = ", ".join(targets) if len(targets) < 4 else "the targets"
    why = {"order": "; the table is sorted", "files": "; content may be the reason, as busy images make large files"}
    items = []
    for kind in ("ids and dates", "order", "files"):
        strong = [leak for leak in leaks if leak.holds and leak.kind == kind]
        if strong:
            text = f"{names} can be predicted from {_names(strong)} alone{why.get(kind, '')}"
            items.append(Finding(kind, text, serious=kind == "ids and dates"))
    return items


def _names(leaks: Sequence[Leak]) -> str:
    return ", ".join(f"{leak.fact} ({_strength(leak)})" for leak in leaks[:NAMED])


def _strength(leak: Leak) -> str:
    return f"ROC AUC {leak.auc:.2f}" if leak.auc is not None else f"{leak.explained:.0%} of the ranks' variance"


def _leak(fact: str, values: Array, target: Array, looks: int, prepared: PreparedSet) -> Leak:
    """Return how well one fact predicts the target, tested against chance for so many looks."""
    from sklearn.metrics import roc_auc_score

    predicted = _predicted(values, target)
    explained, holds = _explained(target, predicted), False
    if explained >= (LEAST if fact in (*BARE, POSITION) else LEAST_OF_CONTENT):
        draws = np.random.default_rng(0)
        shuffled = [draws.permutation(target) for _ in range(SHUFFLES)]
        chance = np.array([_explained(order, _predicted(values, order)) for order in shuffled])
        holds = bool(explained - chance.mean() > NormalDist().inv_cdf(1 - SURE / looks) * chance.std(ddof=1))
    auc = None
    if not prepared.problem.has_amounts:
        auc = float(np.mean([roc_auc_score(column > 0.5, guess) for column, guess in zip(target.T, predicted.T, strict=True)]))
    return Leak(fact, max(explained, 0.0), auc, holds)


def _predicted(values: Array, target: Array) -> Array:
    """Return the target, (n, outputs), predicted from one fact, (n,), by trees fitted to other rows."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=max(5, len(values) // 100), random_state=0)
    predicted = cross_val_predict(tree, values[:, None], target, cv=KFold(SPLITS, shuffle=True, random_state=0))
    return np.asarray(predicted).reshape(target.shape)


def _explained(target: Array, predicted: Array) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(target, predicted, multioutput="variance_weighted"))


def _target(prepared: PreparedSet, rows: Array) -> Array:
    """Return the target of some training rows as columns: 0 and 1 for each frequent class or each label, or ranks of values."""
    problem = prepared.problem
    truth = problem.truth(prepared.train.iloc[rows])
    if problem.is_exclusive:
        classes, counts = np.unique(problem.class_of(truth), return_counts=True)
        kept = classes[np.argsort(-counts, kind="stable")][: 1 if problem.task == "binary" else MOST_CLASSES]
        truth = problem.class_of(truth)[:, None] == kept
    elif problem.has_amounts:
        truth = pd.DataFrame(problem.amounts(truth)).rank().to_numpy()
    columns = np.asarray(truth, np.float64)
    return columns[:, columns.std(axis=0) > 0]


def _some(count: int, most: int) -> Array:
    """Return at most `most` of `count` rows, the same each time."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
