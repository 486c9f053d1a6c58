import json
import math
import shutil
from functools import partial

import numpy as np
import pytest
import torch

from goldfold.errors import InputError
from goldfold.training import FoldResult, load_folds, train_fold
from goldfold.training.reporter import Silent


class Heard(Silent):
    def __init__(self):
        self.events = []

    def started(self, plan):
        self.events.append(("started", plan.name))

    def stepped(self, epoch, step, loss, lr):
        self.events.append((epoch, step, math.isfinite(loss())))

    def epoch_ended(self, row, best):
        self.events.append((row["epoch"], "ended", best))


def same(first, second):
    return all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


@pytest.fixture(scope="module")
def trained(digits, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds") / "1" / "0"
    return train_fold(digits, 1, 0, settings(epochs=3), folder), folder


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_loss_curve_and_weights_are_the_same_bits_for_any_number_of_workers(digits, settings, trained, tmp_path, workers):
    result = train_fold(digits, 1, 0, settings(epochs=3, workers=workers), tmp_path)
    for column in ("train_loss", "valid_loss", "accuracy", "lr"):
        assert list(result.history[column]) == list(trained[0].history[column]), column
    assert same(result, trained[0])


def test_another_seed_gives_other_weights(digits, settings, trained, tmp_path):
    assert not same(train_fold(digits, 1, 1, settings(epochs=3), tmp_path), trained[0])


def test_the_checkpoint_is_that_of_the_best_epoch(trained):
    result, _ = trained
    history = result.history
    assert result.score == history["accuracy"].max()
    assert result.epoch == history["accuracy"].idxmax()
    assert list(history["epoch"]) == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["metric", "loss"])
def test_what_is_monitored_decides_what_is_best(digits, settings, tmp_path, monitor):
    result = train_fold(digits, 0, 0, settings(epochs=5, lr=0.01, monitor=monitor), tmp_path)
    column = result.history["valid_loss"] if monitor == "loss" else -result.history["accuracy"]
    assert result.epoch == column.idxmin()


def test_a_fold_stops_when_nothing_better_came_for_its_patience(digits, settings, tmp_path):
    config = settings(epochs=30, lr=1e-9, optimizer={"name": "sgd"}, patience=2, monitor="metric", augment=())
    result = train_fold(digits, 0, 0, config, tmp_path)
    assert len(result.history) == result.epoch + 3 < 30


def test_what_was_saved_is_loaded_and_is_safetensors_and_json(trained):
    result, folder = trained
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "model.json", "model.safetensors"]
    loaded = FoldResult.load(folder)
    assert same(loaded, result)
    assert (loaded.score, loaded.epoch, loaded.codec, loaded.config) == (result.score, result.epoch, result.codec, result.config)
    assert loaded.rows == {"training": 200, "validation": 100}


def test_a_checkpoint_of_another_version_is_refused_in_words(trained, tmp_path):
    folder = shutil.copytree(trained[1], tmp_path / "fold")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "codec": {"classes": 2}}))
    with pytest.raises(InputError, match=r"(?s)another version of goldfold.*dvc repro"):
        FoldResult.load(folder)


def test_only_the_folds_asked_for_are_loaded(trained):
    folder = trained[1].parents[1]
    assert [(result.fold, result.seed) for result in load_folds(folder, (1,), (0,))] == [(1, 0)]
    with pytest.raises(InputError, match="no trained fold"):
        load_folds(folder, (0, 1), (0,))


def test_a_validation_row_is_never_trained_on(digits, settings, tmp_path, monkeypatch):
    from goldfold.modalities.image.learning import ImageView

    seen = {"train": set(), "plain": set()}
    original = ImageView.__getitems__

    def spy(self, keys):
        seen["plain" if self.transform is None else "train"] |= {row for _, row in keys}
        return original(self, keys)

    monkeypatch.setattr(ImageView, "__getitems__", spy)
    train_fold(digits, 2, 0, settings(epochs=1), tmp_path)
    assert seen["train"] == set(digits.training_rows(2).tolist())
    assert seen["plain"] == set(digits.validation_rows(2).tolist())


def test_a_reporter_is_called_for_each_step_and_epoch_in_order(digits, settings, tmp_path):
    heard = Heard()
    train_fold(digits, 0, 0, settings(epochs=2, batch_size=100), tmp_path, heard)
    assert heard.events[0] == ("started", "fold 0")
    assert [event[:2] for event in heard.events[1:]] == [(0, 0), (0, 1), (0, "ended"), (1, 0), (1, 1), (1, "ended")]
    assert heard.events[3] == (0, "ended", True)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"optimizer": "adamq"}, "train.optimizer.name: timm has no optimiser adamq; did you mean adam"),
        ({"scheduler": "StepLB"}, "train.scheduler.name.*did you mean StepLR"),
        ({"scheduler": {"name": "StepLR", "stepsize": 3}}, "train.scheduler: StepLR refused its arguments.*stepsize"),
        ({"loss": "CrosEntropyLoss"}, "did you mean CrossEntropyLoss"),
        ({"loss": {"name": "CrossEntropyLoss", "smooth": 1}}, "train.loss: CrossEntropyLoss refused"),
        ({"precision": "fp16"}, "fp16 is for GPUs"),
        (
            {"lr": 1e12, "optimizer": "sgd"},
            "training loss of fold 0 is nan in epoch 1, step 2, at learning rate .*rows are\\n  id 0368 label 1",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(digits, settings, tmp_path, train, message):
    if train.get("precision") and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match=f"(?s){message}"):
        train_fold(digits, 0, 0, settings(**train), tmp_path)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("class Net(:", r"own_net cannot be imported: SyntaxError: .*\n  .*own_net.py, line 1"),
        ("x = 1\nimport nonsense_pkg", r"ModuleNotFoundError: No module named 'nonsense_pkg'\n  .*own_net.py, line 2"),
        ("raise RuntimeError('mine')", r"RuntimeError: mine\n  .*own_net.py, line 1"),
        ("import torch\nNet = lambda outputs: torch.nn.LazyLinear(7)", r"gives \(1, 3, 64, 7\) for one image, not \(1, 10\)"),
    ],
)
def test_what_is_wrong_with_a_network_of_ones_own_is_refused(digits, settings, tmp_path, own_code, code, message):
    (own_code / "own_net.py").write_text(code)
    with pytest.raises(InputError, match=message):
        train_fold(digits, 0, 0, settings(model={"name": "own.own_net:Net", "image_size": 64}), tmp_path / "fold")


def test_a_transform_that_an_image_does_not_fit_is_refused(digits, settings, tmp_path):
    crop = {"name": "RandomCrop", "height": 64, "width": 64}
    with pytest.raises(InputError, match=r"cannot transform the image of row .*32 x 32 pixels"):
        train_fold(digits, 0, 0, settings(augment=[crop]), tmp_path)


def test_a_fold_that_is_not_there_is_refused(digits, settings, tmp_path):
    with pytest.raises(InputError, match=r"no fold 7, only \[0, 1, 2\]"):
        train_fold(digits, 7, 0, settings(), tmp_path)


def test_a_loss_and_an_optimiser_of_ones_own(digits, settings, tmp_path, monkeypatch):
    code = """
import torch

class Half(torch.nn.CrossEntropyLoss):
    def forward(self, logits, target):
        return super().forward(logits, target) / 2

Mine = torch.optim.SGD
"""
    (tmp_path / "my_training.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    config = settings(epochs=1, lr=1e-9, loss="my_training:Half", optimizer={"name": "my_training:Mine", "momentum": 0.9})
    plain = settings(epochs=1, lr=1e-9, optimizer={"name": "sgd", "momentum": 0.9})
    half = train_fold(digits, 0, 0, config, tmp_path / "a").history["train_loss"][0]
    assert half == pytest.approx(train_fold(digits, 0, 0, plain, tmp_path / "b").history["train_loss"][0] / 2, rel=1e-4)


def test_bf16_trains_on_a_cpu(digits, settings, tmp_path):
    result = train_fold(digits, 0, 0, settings(epochs=1, precision="bf16"), tmp_path)
    assert np.isfinite(result.history["train_loss"]).all() and result.precision == "bf16"


@pytest.mark.slow
def test_a_compiled_network_learns_the_same_and_its_checkpoint_is_a_plain_one(digits, settings, trained, tmp_path, monkeypatch):
    # Without the code generator, which takes minutes and a C++ compiler.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    result, plain = (train_fold(digits, 1, 0, settings(epochs=1, compile=compile), tmp_path) for compile in (True, False))
    assert result.history["train_loss"][0] == pytest.approx(plain.history["train_loss"][0], rel=1e-3)
    assert result.weights.keys() == trained[0].weights.keys()
