"""How the rows are to be split into folds: what the tables suggest."""

import re

import pandas as pd

from goldfold.competition import Competition
from goldfold.init.setting import Setting

FOLDS = 5
STRATEGIES = ("stratified", "kfold", "group", "stratified_group", "time", "holdout", "column")
OWNERS = (
    r"patient|subject|person|people|participant|user|customer|client|household|family|session|recording|group|study|case"
    r"|speaker|singer|recorder|recordist"
)
"""Words in the name of a group column, alone or before an id."""
FEWEST_GROUPS, ROWS_PER_GROUP, SEEN_IN_TEST = 20, 1.2, 0.1
FEWEST_FOLDS, SOME_SEEN = 3, 2 / 3
"""The fewest groups that can be folds; the largest share of test rows of known groups at which new ones are what is asked."""


def work_out_split(competition: Competition, group: str | None, why: str) -> list[Setting]:
    """Return the settings of `split`: the rows of one `group` stay together, and every class has a row for each fold."""
    folds, strategy, reason = FOLDS, "stratified", "keeps the share of each class"
    if competition.problem.task == "regression":
        reason = "keeps the share of each quantile of the target"
    if competition.problem.has_masks:
        reason = "keeps the share of each quantile of the masks' areas"
    rarest = _rarest(competition)
    if group:
        strategy, reason = "stratified_group", f"rows that share their {group} stay in one fold"
        folds = min(FOLDS, competition.train[group].nunique())
    elif rarest is not None and rarest[1] < FOLDS:
        name, rows = rarest
        rarity = f"the rarest class, {name}, has {rows} row{'s' * (rows != 1)}"
        if rows < 2:
            strategy, reason = "kfold", f"{rarity}, so classes cannot be stratified"
        else:
            folds, reason = rows, f"{rarity}, so there are no more folds"
    if group and rarest is not None and rarest[1] < FOLDS:
        strategy = "group"
    later = _in_time(competition)
    others = ", ".join(name for name in STRATEGIES if name != strategy)
    return [
        Setting("split.strategy", strategy, f"{reason}; or {others}", is_usual=strategy == "stratified" and folds == FOLDS),
        Setting("split.n_folds", folds, is_usual=True),
        Setting("split.folds", list(range(folds)), is_usual=True),
        Setting("split.group", group, why or "the column whose equal values stay in one fold", is_usual=not why),
        Setting("split.time", None, later or "the column that orders the rows", is_usual=not later),
        Setting("split.column", None, is_usual=True),
        Setting("split.like", None, is_usual=True),
    ]


def owner_of_rows(competition: Competition, template: object = None) -> tuple[str | None, str]:
    """Return a column that says whose a row is, and why: by its name, or as the `template` is this column of files alone, with
    several rows per value, and other values in the test table; None where there is none."""
    train, test, problem = competition.train, competition.test, competition.problem
    for name in train.columns:
        values = train[name]
        if name in (problem.id, *problem.targets) or pd.api.types.is_float_dtype(values):
            continue
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        called = re.search(rf"(?:^|_)(?:{OWNERS})(?:_?(?:id|no|nr|num|number|name|key))?(?:$|_)", words)
        if not called and template != f"{{{name}}}":
            continue
        distinct = values.nunique()
        if distinct < FEWEST_FOLDS or len(values) / distinct < ROWS_PER_GROUP:
            continue
        rows = len(values) / distinct
        seen = float(test[name].isin(set(values)).mean()) if name in test else None
        # Where the test rows do not tell, or share some groups, few groups are a category like others.
        if distinct < FEWEST_GROUPS and (seen is None or seen > SOME_SEEN):
            continue
        if gaps := int(values.isna().sum()):
            return None, f"rows of one {name} should stay in one fold, but {gaps} have none: fill them in, and set it here"
        if seen is None:
            return name, f"{distinct} of them have {rows:.1f} rows each"
        if seen < SEEN_IN_TEST:
            return name, f"{distinct} of them have {rows:.1f} rows each, and the test table has others"
        if seen <= SOME_SEEN:
            others = test[name].nunique() - test[name][test[name].isin(set(values))].nunique()
            whose = f"{others} that training lacks" if others > 1 else "one that training lacks"
            return name, f"{distinct} of them have {rows:.1f} rows each, and {1 - seen:.0%} of the test rows are of {whose}"
    return None, ""


def _in_time(competition: Competition) -> str:
    """What the dates of both tables suggest, if anything."""
    train, test = competition.train, competition.test
    for name in train.columns:
        if name not in test or train[name].dtype.kind != "M":
            continue
        ours, theirs = train[name].dropna(), test[name].dropna()
        if ours.empty or theirs.empty:
            continue
        if theirs.min() >= ours.max():
            return f"all test rows are later than the training rows: strategy: time with time: {name} judges as the test will"
        if not set(theirs.dt.date) & set(ours.dt.date):
            return (
                f"train and test share no day of {name}: folds drawn from all rows are optimistic; strategy: time is one remedy"
            )
    return ""


def _rarest(competition: Competition) -> tuple[str, int] | None:
    """The class, or label of a multilabel task, with the fewest rows."""
    problem = competition.problem
    if problem.has_amounts:
        return None
    truth = problem.truth(competition.train)
    if problem.is_exclusive:
        counts = pd.Series(problem.class_of(truth)).value_counts().reindex(range(len(problem.classes)), fill_value=0)
    else:
        counts = pd.Series(truth.sum(axis=0))
    return problem.names[int(counts.to_numpy().argmin())], int(counts.min())
