import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from goldfold.competition import Problem
from goldfold.config import SplitConfig
from goldfold.errors import InputError
from goldfold.prepare.folds import assign_folds


def problem(task, targets=("y",), classes=("a", "b")):
    return Problem("p", "image", "id", targets, task, classes if task in ("binary", "multiclass") else (), "accuracy", "label")


@pytest.fixture
def table():
    draws = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 5)
    frame = {
        "y": np.where(draws.random(200) < 0.2, "a", "b"),
        "g": group,
        "t": draws.integers(0, 60, 200),
        "v": draws.random(200),
    }
    return pd.DataFrame(frame | {f"l{n}": (draws.random(200) < 0.1 * (n + 1)).astype(int) for n in range(3)})


def test_stratified_keeps_the_share_of_each_class(table):
    folds = assign_folds(table, problem("binary"), SplitConfig())
    shares = [(table["y"][folds == fold] == "a").mean() for fold in range(5)]
    assert max(shares) - min(shares) < 0.03
    assert sorted(np.bincount(folds)) == [40] * 5


def test_a_multilabel_split_keeps_the_share_of_each_label(table):
    folds = assign_folds(table, problem("multilabel", ("l0", "l1", "l2")), SplitConfig())
    for label in ("l0", "l1", "l2"):
        counts = [table[label][folds == fold].sum() for fold in range(5)]
        assert max(counts) - min(counts) <= 3


def test_a_regression_split_keeps_the_quantiles(table):
    folds = assign_folds(table, problem("regression", ("v",)), SplitConfig())
    means = [table["v"][folds == fold].mean() for fold in range(5)]
    assert max(means) - min(means) < 0.05


@pytest.mark.parametrize("strategy", ["group", "stratified_group"])
def test_a_group_stays_in_one_fold(table, strategy):
    folds = assign_folds(table, problem("binary"), SplitConfig(strategy=strategy, group="g"))
    assert pd.Series(folds).groupby(table["g"]).nunique().max() == 1
    assert set(folds) == set(range(5))


def test_time_validates_on_later_rows_only_and_keeps_moments_together(table):
    folds = assign_folds(table, problem("binary"), SplitConfig(strategy="time", time="t"))
    assert set(folds) == set(range(-1, 5))
    for fold in range(5):
        assert table["t"][folds < fold].max() < table["t"][folds == fold].min()


def test_a_holdout_validates_its_share_and_may_keep_groups_together(table):
    one = {"strategy": "holdout", "n_folds": 1, "folds": (0,)}
    folds = assign_folds(table, problem("binary"), SplitConfig(**one, holdout=0.25))
    assert (folds == 0).sum() == 50 and (folds == -1).sum() == 150
    folds = assign_folds(table, problem("binary"), SplitConfig(**one, group="g"))
    assert pd.Series(folds).groupby(table["g"]).nunique().max() == 1


def test_folds_can_be_brought(table):
    table["mine"] = [-1, 0, 1, 2] * 50
    folds = assign_folds(table, problem("binary"), SplitConfig(strategy="column", column="mine"))
    assert list(folds) == list(table["mine"])
    table.loc[3, "mine"] = None
    with pytest.raises(InputError, match="row 5"):
        assign_folds(table, problem("binary"), SplitConfig(strategy="column", column="mine"))


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.parametrize(("like", "n_folds", "seed"), [("kaggle-42", 5, 42), ("kaggle-0", 10, 0)])
def test_shared_folds_are_scikit_learns_to_the_row(table, like, n_folds, seed):
    split = SplitConfig(like=like, n_folds=n_folds)
    table.loc[:2, "y"] = "rare"
    shuffled = {"n_splits": n_folds, "shuffle": True, "random_state": seed}
    for task, column, splitter in [
        ("multiclass", "y", StratifiedKFold(**shuffled)),
        ("binary", "y", StratifiedKFold(**shuffled)),
        ("regression", "v", KFold(**shuffled)),
    ]:
        rows = table if task == "multiclass" else table[3:].reset_index(drop=True)
        folds = assign_folds(rows, problem(task, (column,), ("b", "a", "rare")[: 2 + (task == "multiclass")]), split)
        for fold, (_, validation) in enumerate(splitter.split(rows, rows[column])):
            assert list(np.flatnonzero(folds == fold)) == list(validation)


def test_shared_folds_are_refused_beside_others_and_for_several_labels(table):
    for other in ({"strategy": "kfold"}, {"seed": 42}, {"strategy": "group", "group": "g"}, {"time": "t"}, {"column": "f"}):
        with pytest.raises(ValueError, match=f"like: kaggle-42 are folds by themselves, and {next(iter(other))} asks for others"):
            SplitConfig(like="kaggle-42", **other)
    with pytest.raises(ValueError, match="group is set"):
        SplitConfig(like="kaggle-42", group="g")
    with pytest.raises(ValueError, match="give kaggle- and the seed of the folds"):
        SplitConfig(like="kaggle")
    with pytest.raises(InputError, match="a row of a multilabel task has several"):
        assign_folds(table, problem("multilabel", ("l0", "l1", "l2")), SplitConfig(like="kaggle-42"))


def test_the_seed_decides_the_split(table):
    splits = [assign_folds(table, problem("binary"), SplitConfig(strategy="kfold", seed=seed)) for seed in (0, 0, 1)]
    assert (splits[0] == splits[1]).all() and (splits[0] != splits[2]).any()


def test_a_class_with_fewer_rows_than_folds_is_named(table):
    table.loc[:, "y"] = "b"
    table.loc[:2, "y"] = "a"
    with pytest.raises(InputError, match="a: 3 rows"):
        assign_folds(table, problem("binary"), SplitConfig())


def test_a_missing_column_names_its_nearest(table):
    with pytest.raises(InputError, match=r"no column gg; did you mean g\?(.|\n)*split.group"):
        assign_folds(table, problem("binary"), SplitConfig(strategy="group", group="gg"))
