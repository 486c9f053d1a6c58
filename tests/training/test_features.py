"""A frozen backbone reads each image once, and the head learns from the features what it would learn from the images."""

import os
import shutil
from itertools import count

import pytest
import torch
from filelock import Timeout
from tests.conftest import score_again
from torch.testing import assert_close

from goldfold.training import train_fold
from goldfold.training.features import KEPT_FOLDERS, FeatureTable
from goldfold.training.reporter import Silent
from goldfold.training.stopping import Stopped


class Notes(Silent):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


@pytest.fixture
def config(settings, weights):
    def build(views, finetune=None, **train):
        model = {"pretrained": True, "weights": weights}
        return settings(
            model=model, finetune={"train": "head", "feature_views": views}, **{"epochs": 3, "batch_size": 48, **train}
        )

    return build


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_head_learns_what_it_learns_from_the_images(digits, config, tmp_path, precision):
    images = train_fold(digits, 0, 0, config(0, precision=precision), tmp_path / "images")
    features = train_fold(digits, 0, 0, config(3, precision=precision), tmp_path / "features")
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if precision == "fp32" else {"rtol": 0.05, "atol": 0.01}
    for name in ("train_loss", "valid_loss"):
        assert_close(torch.tensor(features.history[name]), torch.tensor(images.history[name]), **tolerance)
    assert_close(features.weights["head.fc.weight"], images.weights["head.fc.weight"], **tolerance)
    assert all(torch.equal(features.weights[name], images.weights[name]) for name in images.weights if "backbone" in name)
    # Fails unless the checkpoint, which reads images, has the score that the features gave.
    assert score_again(digits, features) == features.score


@pytest.mark.slow
def test_each_image_is_read_once_for_all_folds_epochs_and_trainings(digits, config, tmp_path, images_read):
    probed = 1  # one image shows how many features there are
    validation = [len(digits.validation_rows(fold)) for fold in range(3)]
    train_fold(digits, 0, 0, config(2, epochs=9), tmp_path / "0", scratch=tmp_path)
    assert images_read() == 2 * (300 - validation[0]) + validation[0] + probed
    before = images_read()
    train_fold(digits, 1, 0, config(2, epochs=9), tmp_path / "1", scratch=tmp_path)
    # Those that fold 0 left out, and its own validation rows.
    assert images_read() - before == 2 * validation[0] + validation[1] + probed
    before = images_read()
    train_fold(digits, 1, 0, config(2, epochs=9, lr=0.01), tmp_path / "1", scratch=tmp_path)
    assert images_read() - before == probed


@pytest.mark.slow
def test_a_kept_feature_never_changes_the_score_that_a_checkpoint_bears(digits, config, tmp_path):
    for number, batch_size in enumerate((48, 32)):
        chosen = config(2, precision="bf16", batch_size=batch_size, monitor="loss")
        result = train_fold(digits, 0, 0, chosen, tmp_path / str(number), scratch=tmp_path)
        assert score_again(digits, result) == result.score


def test_a_table_that_another_fold_fills_is_left_for_later(digits, config, tmp_path, monkeypatch):
    asked, fill = [], FeatureTable.fill

    def busy_at_first(table, *arguments, wait):
        asked.append((table.name, wait))
        if table.name == "seed-0-view-0" and not wait:
            raise Timeout(table.name)
        return fill(table, *arguments, wait=wait)

    monkeypatch.setattr(FeatureTable, "fill", busy_at_first)
    train_fold(digits, 0, 0, config(2, epochs=2), tmp_path / "fold", scratch=tmp_path)
    names = ["seed-0-view-0", "seed-0-view-1", "plain-48", "seed-0-view-0", "seed-0-view-0"]
    assert asked == [*((name, False) for name in names[:-1]), (names[-1], True)]


def test_what_was_computed_is_told_once(digits, config, tmp_path):
    for is_first in (True, False):
        notes = Notes()
        train_fold(digits, 0, 0, config(2, lr=0.01 if is_first else 0.02), tmp_path / "fold", notes, scratch=tmp_path)
        assert [text for text in notes.texts if text.startswith("features")] == notes.texts[-1:] * is_first


def test_more_views_than_epochs_are_not_computed(digits, config, tmp_path, images_read):
    train_fold(digits, 0, 0, config(50, epochs=1), tmp_path / "0", scratch=tmp_path)
    assert images_read() < 2 * 300


@pytest.mark.slow
def test_a_training_that_was_stopped_amid_features_goes_on_from_there(digits, config, tmp_path, images_read):
    whole = train_fold(digits, 0, 0, config(2), tmp_path / "whole")
    needed, asked = images_read(), count()
    with pytest.raises(Stopped):
        stop = lambda: "interrupted" if next(asked) >= 4 else None  # noqa: E731
        train_fold(digits, 0, 0, config(2), tmp_path / "fold", scratch=tmp_path, stop=stop)
    assert needed < images_read() < 2 * needed
    again = train_fold(digits, 0, 0, config(2), tmp_path / "fold", scratch=tmp_path)
    assert images_read() <= 2 * needed + 2
    assert list(again.history["train_loss"]) == list(whole.history["train_loss"])
    assert all(torch.equal(again.weights[name], whole.weights[name]) for name in whole.weights)


def test_hours_that_are_over_amid_features_give_the_model_as_it_stands(digits, config, tmp_path):
    result = train_fold(digits, 0, 0, config(2), tmp_path, scratch=tmp_path, stop=lambda: "max_hours")
    assert result.ended == "max_hours"


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"train": {"mix": [{"name": "MixUp", "alpha": 0.4}], "label_smoothing": 0.1}},
        {"model": {"pool": "gem"}},
        {"model": {"progressive_sizes": (16,)}},
        {"finetune": {"train": "all", "head_epochs": 1}},
    ],
)
def test_where_features_cannot_stand_in_the_images_are_read(digits, config, tmp_path, changed):
    base = config(2)
    updates = {part: getattr(base, part).model_copy(update=values) for part, values in changed.items()}
    if "train" in changed:
        updates["train"] = type(base.train).model_validate({**base.train.model_dump(), **changed["train"]})
    notes = Notes()
    train_fold(digits, 0, 0, base.model_copy(update=updates), tmp_path, notes, scratch=tmp_path)
    assert not [text for text in notes.texts if text.startswith("features")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["*[0-9].npy", "*.done.npy"])
@pytest.mark.parametrize("size", [0, 60, 200])
def test_features_that_are_cut_are_computed_again(digits, config, tmp_path, images_read, capsys, name, size):
    whole = train_fold(digits, 0, 0, config(1, epochs=1), tmp_path / "fold", scratch=tmp_path)
    shutil.rmtree(tmp_path / "states")
    before = images_read()
    os.truncate(next((tmp_path / "features").rglob(name)), size)
    again = train_fold(digits, 0, 0, config(1, epochs=1), tmp_path / "fold", scratch=tmp_path)
    assert all(torch.equal(again.weights[name], whole.weights[name]) for name in whole.weights)
    assert images_read() > before and capsys.readouterr().err.count("is cut or altered; it is deleted, and made again") == 1


def test_a_clock_that_went_back_costs_no_features_of_now(digits, config, tmp_path, images_read):
    """Folders are as old as the clock said; that of now is never among the old."""
    for number in range(KEPT_FOLDERS):
        other = tmp_path / "features" / str(number)
        other.mkdir(parents=True)
        os.utime(other, (2**32, 2**32))
    train_fold(digits, 0, 0, config(1), tmp_path / "first", scratch=tmp_path)
    before = images_read()
    train_fold(digits, 0, 0, config(1, epochs=2), tmp_path / "second", scratch=tmp_path)
    # One row probes the backbone.
    assert images_read() == before + 1
