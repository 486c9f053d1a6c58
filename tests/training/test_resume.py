"""A training goes on from any moment at which it ended, to the same bits."""

import json
import shutil
from functools import cache
from itertools import count

import pytest
import torch

from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.identity import training_key
from goldfold.scratch import SUMS
from goldfold.training import state as saving
from goldfold.training import train as training
from goldfold.training import train_fold
from goldfold.training.device import machine
from goldfold.training.fold_result import FoldResult
from goldfold.training.reporter import Silent
from goldfold.training.state import STATE, STATES, forget, held, kept_result
from goldfold.training.stopping import Stopped

pytestmark = pytest.mark.slow

CURVES = ("train_loss", "valid_loss", "accuracy", "lr")


def same(first, second):
    assert [list(first.history[name]) for name in CURVES] == [list(second.history[name]) for name in CURVES]
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert (first.epoch, first.score, first.loss) == (second.epoch, second.score, second.loss)
    assert [(one.epoch, one.score) for one in first.further] == [(one.epoch, one.score) for one in second.further]


def after(steps, reason="interrupted"):
    """A reason to stop after so many steps."""
    asked = count()
    return lambda: reason if next(asked) >= steps else None


def key_of(prepared, fold, seed, config):
    return training_key(prepared, fold, seed, config, machine())


RECIPES = {
    "plain": {},
    "several checkpoints": {"keep_best": 2},
    "ema and mixing": {
        "average": {"name": "ema", "decay": 0.9},
        "mix": [{"name": "MixUp", "alpha": 0.4}],
        "label_smoothing": 0.1,
    },
    "swa by epoch": {"average": {"name": "swa", "start": 1}, "scheduler": {"name": "StepLR", "step_size": 1, "gamma": 0.5}},
    "one cycle": {"scheduler": "OneCycleLR", "micro_batch_size": 24, "clip_grad": 1.0},
    "plateau": {"scheduler": {"name": "ReduceLROnPlateau", "patience": 0}, "optimizer": {"name": "sgd", "momentum": 0.9}},
    "milestones": {"scheduler": {"name": "MultiStepLR", "milestones": [1, 2]}, "warmup_epochs": 0.5},
    "balanced": {"sampling": "balanced", "workers": 1},
    "restarts": {"scheduler": {"name": "CosineAnnealingWarmRestarts", "T_0": 1}, "optimizer": "lion"},
}


@pytest.fixture(scope="module")
def config(settings):
    model = {"args": {"drop_rate": 0.2, "drop_path_rate": 0.1}}
    return lambda **train: settings(model=model, **{"epochs": 3, "batch_size": 48, **train})


@pytest.fixture(scope="module")
def undisturbed(digits, tmp_path_factory):
    """The training of settings that nothing disturbed, done once for all tests."""
    return cache(lambda chosen: train_fold(digits, 0, 0, parse_config(json.loads(chosen)), tmp_path_factory.mktemp("whole")))


def named(chosen):
    return chosen.model_dump_json(by_alias=True)


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_goes_on_to_the_same_bits(digits, config, undisturbed, tmp_path, recipe):
    chosen = config(**RECIPES[recipe])
    for steps in (2, 4):
        with pytest.raises(Stopped, match="the same command resumes it"):
            train_fold(digits, 0, 0, chosen, tmp_path / "fold", scratch=tmp_path, stop=after(steps))
    same(train_fold(digits, 0, 0, chosen, tmp_path / "fold", scratch=tmp_path), undisturbed(named(chosen)))


def damage(file, how):
    content = bytearray(file.read_bytes())
    if how == "a byte flipped":
        content[len(content) // 2] ^= 1
    file.write_bytes(content[: {"emptied": 0, "cut": len(content) // 2}.get(how)])


@pytest.fixture(scope="module")
def stopped(digits, config, tmp_path_factory):
    """The scratch folder of a training that was stopped in its second epoch."""
    scratch = tmp_path_factory.mktemp("stopped")
    with pytest.raises(Stopped):
        train_fold(digits, 0, 0, config(epochs=2), scratch / "fold", scratch=scratch, stop=after(7))
    return scratch


@pytest.mark.parametrize(
    ("part", "how"),
    [
        (STATE, "emptied"),
        (STATE, "cut"),
        (STATE, "a byte flipped"),
        ("best-0/model.safetensors", "a byte flipped"),
        ("best-0/model.json", "emptied"),
        ("best-0/history.csv", "cut"),
    ],
)
def test_a_damaged_state_is_made_again_to_the_same_bits(digits, config, undisturbed, stopped, tmp_path, capsys, part, how):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    damage(next((tmp_path / STATES).rglob(part)), how)
    capsys.readouterr()
    resumed = train_fold(digits, 0, 0, config(epochs=2), tmp_path / "fold", scratch=tmp_path)
    assert capsys.readouterr().err.count("is cut or altered; it is deleted, and made again") == 1
    same(resumed, undisturbed(named(config(epochs=2))))


@pytest.fixture(scope="module")
def finished(digits, config, tmp_path_factory):
    """The scratch folder of a training that came to its end, and the result."""
    scratch = tmp_path_factory.mktemp("finished")
    return scratch, train_fold(digits, 0, 0, config(epochs=1), scratch / "fold", scratch=scratch)


@pytest.mark.parametrize("how", ["emptied", "cut", "a byte flipped"])
@pytest.mark.parametrize("part", ["model.safetensors", "model.json", "history.csv", SUMS])
def test_a_damaged_result_is_not_taken(finished, tmp_path, capsys, part, how):
    scratch, result = finished
    kept = shutil.copytree(scratch / STATES / result.key, tmp_path / "kept")
    same(kept_result(kept), result)
    damage(next(kept.rglob(part)), how)
    assert kept_result(kept) is None
    assert capsys.readouterr().err.count("is cut or altered; it is deleted, and made again") == 1


def test_a_damaged_result_is_trained_again_to_the_same_bits(digits, config, finished, tmp_path):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    damage(next((tmp_path / STATES).rglob("model.safetensors")), "cut")
    same(train_fold(digits, 0, 0, config(epochs=1), tmp_path / "fold", scratch=tmp_path), finished[1])


def test_batches_that_are_done_are_not_repeated(digits, config, tmp_path):
    class Steps(Silent):
        def __init__(self):
            self.seen = []

        def stepped(self, epoch, step, loss, lr):
            self.seen.append((epoch, step))

    first, second = Steps(), Steps()
    with pytest.raises(Stopped):
        train_fold(digits, 0, 0, config(), tmp_path, first, tmp_path, after(7))
    train_fold(digits, 0, 0, config(), tmp_path, second, tmp_path)
    assert first.seen + second.seen == [(epoch, step) for epoch in range(3) for step in range(5)]


def test_the_state_is_saved_within_an_epoch_when_the_minutes_are_over(digits, config, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(training, "save_state", lambda _, trainer: saved.append((trainer.progress.epoch, trainer.progress.step)))
    train_fold(digits, 0, 0, config(save_minutes=1e-9), tmp_path, scratch=tmp_path)
    assert saved[:6] == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 0)]


def test_a_finished_training_is_not_repeated_and_leaves_no_state(digits, config, tmp_path):
    class Epochs(Silent):
        def __init__(self):
            self.rows = []

        def epoch_ended(self, row, best):
            self.rows.append(row)

    scratch, heard = tmp_path / "scratch", Epochs()
    first = train_fold(digits, 0, 0, config(), tmp_path / "a", scratch=scratch)
    assert not list(scratch.rglob("state.pt")) and not list(scratch.rglob("best-*"))
    # Settings without effect on the weights leave it what it is.
    again = train_fold(digits, 0, 0, config(workers=3, max_hours=2, seeds=(0, 1)), tmp_path / "b", heard, scratch)
    same(first, again)
    assert not heard.rows
    assert (tmp_path / "b/model.safetensors").is_file()


def test_the_oldest_results_are_forgotten_beyond_a_size_but_not_current_ones(digits, config, tmp_path):
    scratch = tmp_path / "scratch"
    old = train_fold(digits, 0, 0, config(epochs=1), tmp_path / "a", scratch=scratch)
    new = train_fold(digits, 0, 0, config(epochs=1, lr=0.01), tmp_path / "a", scratch=scratch)
    forget(scratch, [new])
    assert (scratch / STATES / old.key).exists()
    forget(scratch, [new], most=0)
    assert not (scratch / STATES / old.key).exists() and (scratch / STATES / new.key).exists()


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.004}, {"batch_size": 32}, {"epochs": 4}, {"scheduler": "OneCycleLR"}, {"label_smoothing": 0.1}, {"patience": 3}],
)
def test_other_settings_are_another_training(digits, config, change):
    assert key_of(digits, 0, 0, config(**change)) != key_of(digits, 0, 0, config())


def test_a_state_of_other_settings_is_never_used(digits, config, tmp_path):
    scratch = tmp_path / "scratch"
    with pytest.raises(Stopped):
        train_fold(digits, 0, 0, config(), tmp_path / "a", scratch=scratch, stop=after(3))
    fresh = train_fold(digits, 0, 0, config(lr=0.004), tmp_path / "c")
    same(train_fold(digits, 0, 0, config(lr=0.004), tmp_path / "b", scratch=scratch), fresh)


def test_the_key_knows_the_data_the_fold_the_seed_the_code_and_the_weights(digits, config, tmp_path, monkeypatch):
    from dataclasses import replace

    keys = {key_of(digits, 0, 0, config()), key_of(digits, 1, 0, config()), key_of(digits, 0, 1, config())}
    keys.add(key_of(replace(digits, fingerprint="other"), 0, 0, config()))
    code = tmp_path / "known_by_its_key.py"
    monkeypatch.syspath_prepend(tmp_path)
    for text in ("Loss = 1", "Loss = 2"):
        code.write_text(text)
        keys.add(key_of(digits, 0, 0, config(loss="known_by_its_key:Loss")))
    assert len(keys) == 6
    assert key_of(digits, 0, 0, config(precision="bf16")) != key_of(digits, 0, 0, config())
    assert key_of(digits, 0, 0, config(workers=7, save_minutes=3)) == key_of(digits, 0, 0, config())


def test_two_processes_do_not_train_the_same(digits, config, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "GONE_WITHIN", 0.0)
    key = key_of(digits, 0, 0, config())
    with held(tmp_path / STATES, key), pytest.raises(InputError, match="another process is training this fold"):
        train_fold(digits, 0, 0, config(), tmp_path / "a", scratch=tmp_path)


def test_max_hours_ends_with_the_best_so_far_and_a_later_run_goes_on(digits, config, undisturbed, tmp_path):
    scratch = tmp_path / "scratch"
    cut = train_fold(digits, 0, 0, config(), tmp_path / "a", scratch=scratch, stop=after(8, "max_hours"))
    assert cut.ended == "max_hours" and len(cut.history) == 1 and FoldResult.load(tmp_path / "a").ended == "max_hours"
    rest = train_fold(digits, 0, 0, config(), tmp_path / "a", scratch=scratch)
    assert rest.ended == "finished"
    same(rest, undisturbed(named(config())))


def test_max_hours_within_the_first_epoch_gives_the_model_as_it_stands(digits, config, tmp_path):
    cut = train_fold(digits, 0, 0, config(), tmp_path, scratch=tmp_path, stop=after(2, "max_hours"))
    assert cut.ended == "max_hours" and len(cut.history) == 1 and 0 <= cut.score <= 1


@pytest.mark.parametrize("scheduler", [{"name": "StepLR", "step_size": 1, "gamma": 0.5}, "CosineAnnealingLR"])
def test_more_epochs_go_on_from_the_kept_state_or_do_it_again_to_the_same_bits(digits, config, settings, tmp_path, scheduler):
    scratch, base = tmp_path / "scratch", {"batch_size": 48, "scheduler": scheduler}
    shorter = train_fold(digits, 0, 0, settings(**{**base, "epochs": 2, "keep_state": True}), tmp_path / "a", scratch=scratch)
    notes = []

    class Notes(Silent):
        def note(self, text):
            notes.append(text)

    longer = settings(**{**base, "epochs": 4, "continue_from": 2})
    continued = train_fold(digits, 0, 0, longer, tmp_path / "b", Notes(), scratch)
    assert any("resuming at epoch 3" in text for text in notes)
    assert list(continued.history["train_loss"][:2]) == list(shorter.history["train_loss"])
    lrs = list(continued.history["lr"])
    assert lrs[2] > lrs[1] if scheduler == "CosineAnnealingLR" else lrs == [0.003, 0.0015, 0.00075, 0.000375]
    # And the same where no state was kept, also when that is stopped in its second part.
    with pytest.raises(Stopped):
        train_fold(digits, 0, 0, longer, tmp_path / "c", scratch=tmp_path / "others", stop=after(18))
    same(train_fold(digits, 0, 0, longer, tmp_path / "c", scratch=tmp_path / "others"), continued)
