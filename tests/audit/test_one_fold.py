import numpy as np
import pandas as pd
import pytest
from tests.audit.test_duplicate_images import jpeg

from goldfold.prepare.duplicates import in_one_fold

FOLDS = np.array([0, 1, 2, 0, 1, 2, 0, 1], np.int16)
NEVER = np.zeros(8, bool)


def kept(pairs, tied=(), folds=FOLDS, always=NEVER, in_time=False):
    return in_one_fold(folds, np.array(pairs, np.int64).reshape(-1, 2), [pd.Series(list(each)) for each in tied], always, in_time)


def test_without_duplicates_no_row_moves():
    assert (kept([]) == FOLDS).all() and (kept([(0, 3), (1, 4)]) == FOLDS).all()


def test_a_group_goes_where_most_of_it_is_and_no_other_row_moves():
    assert kept([(0, 1), (1, 3)]).tolist() == [0, 0, 2, 0, 1, 2, 0, 1]


def test_a_test_row_links_the_training_rows_that_are_the_same():
    assert kept([(0, 9), (1, 9)])[:2].tolist() == [0, 0]


def test_rows_that_belong_together_move_together():
    folds = np.repeat([0, 1], [5, 3]).astype(np.int16)
    assert kept([(0, 7)], tied=["aaaaarrr"], folds=folds).tolist() == [0] * 8
    assert kept([(0, 1)], tied=["aaaaarrr"], folds=folds).tolist() == folds.tolist()


def test_in_time_a_group_goes_to_its_last_fold():
    assert kept([(0, 2), (3, 5)], in_time=True).tolist() == [2, 1, 2, 2, 1, 2, 0, 1]


def test_copies_of_rows_that_are_always_trained_on_are_never_validated():
    folds = np.where(np.arange(8) == 7, -1, FOLDS).astype(np.int16)
    assert kept([(0, 7)], folds=folds, always=folds == -1).tolist() == [-1, 1, 2, 0, 1, 2, 0, -1]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [{"strategy": "stratified"}, {"strategy": "kfold"}, {"strategy": "holdout", "n_folds": 1}])
def test_confirmed_duplicates_share_a_fold_whatever_the_strategy(write_photos, audited, photos, strategy):
    copies = {f"x{number}": jpeg(photos[number], 50) for number in range(12)}
    root = write_photos(copies)
    folds = {}
    for setting in ("keep", "one_fold"):
        prepared, found, _ = audited(root, prepare_={"duplicates": setting}, split=strategy)
        folds[setting] = pd.Series(prepared.folds, index=prepared.train["id"])
        assert ("duplicates across folds" in found) == (setting == "keep")
    parted = [number for number in range(12) if folds["keep"][f"p{number}"] != folds["keep"][f"x{number}"]]
    assert parted and all(folds["one_fold"][f"p{number}"] == folds["one_fold"][f"x{number}"] for number in range(12))
    moved = set(folds["keep"].index[folds["keep"] != folds["one_fold"]])
    assert moved <= {f"{letter}{number}" for number in parted for letter in "px"}
