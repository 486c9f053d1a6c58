"""The recipes around a training step: micro-batches, memory, mixing, weights of classes, losses, averages."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import score_again
from torchvision.transforms import v2

from goldfold.config import TrainConfig
from goldfold.errors import InputError
from goldfold.modalities.image.model import ImageModel
from goldfold.training import train_fold
from goldfold.training.balance import class_weights, weigh
from goldfold.training.losses import FocalLoss, build_loss
from goldfold.training.reporter import Silent
from goldfold.training.step import _mixed, train_step
from goldfold.training.trainer import make_trainer


class Notes(Silent):
    def __init__(self):
        self.texts, self.files = [], {}

    def note(self, text):
        self.texts.append(text)

    def attach(self, name, text):
        self.files[name] = text


def gradient(digits, config):
    trainer = make_trainer(digits, 0, 0, config, Silent())
    rows, inputs = next(iter(trainer.batches))
    trainer.model.eval()
    trainer.optimizer.step = lambda *_, **__: None
    loss = train_step(trainer, 0, 0, rows, inputs)
    return loss, trainer.model.head.fc.weight.grad.clone()


@pytest.mark.parametrize("size", [1, 20, 64])
def test_micro_batches_add_up_to_the_batch(digits, settings, size):
    loss, whole = gradient(digits, settings())
    same, added = gradient(digits, settings(micro_batch_size=size))
    assert torch.allclose(loss, same, rtol=1e-4) and torch.allclose(whole, added, rtol=1e-3, atol=1e-6)


def weighted(digits, weights):
    return replace(digits, weights=np.asarray(weights, float))


def test_weights_of_rows_scale_their_part_of_the_gradient_and_not_the_loss(digits, settings):
    rows = len(digits.train)
    loss, plain = gradient(digits, settings())
    same, alike = gradient(weighted(digits, np.full(rows, 3)), settings())
    assert torch.equal(loss, same) and torch.allclose(plain, alike, rtol=1e-4, atol=1e-7)
    weights = np.where(np.arange(rows) % 2, 0.1, 1.0)
    told, whole = gradient(weighted(digits, weights), settings())
    _, parts = gradient(weighted(digits, weights), settings(micro_batch_size=20))
    _, others = gradient(weighted(digits, 1.1 - weights), settings())
    assert torch.equal(loss, told) and torch.allclose(whole, parts, rtol=1e-3, atol=1e-6) and not torch.allclose(plain, whole)
    mean = weights[digits.training_rows(0)].mean()
    assert torch.allclose(whole * mean + others * (1.1 - mean), plain * 1.1, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "FocalLoss", "MultiMarginLoss"])
def test_a_weight_counts_in_any_loss_as_often_as_it_says(name, settings):
    loss = build_loss(TrainConfig(loss={"name": name}), "multiclass")
    logits, target = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2])
    one, twice = logits.clone().requires_grad_(), torch.cat([logits, logits[:1]]).requires_grad_()
    weigh(one, torch.tensor([2.0, 1.0, 1.0]))
    loss(one, target).backward()
    loss(twice, torch.cat([target, target[:1]])).backward()
    expected = twice.grad[:3] * 4 / 3
    expected[0] *= 2
    assert torch.allclose(one.grad, expected)


def test_a_mixed_row_weighs_as_its_parts_do():
    mix = v2.MixUp(alpha=1.0)
    images, target = torch.zeros(4, 2, 2, 1), torch.eye(4)
    weight = torch.tensor([1.0, 0.1, 1.0, 0.1])
    _, mixed, weights, columns = _mixed({"image": images}, target, weight, 2 * target, mix, "image")
    assert torch.allclose(mixed @ weight, weights) and torch.equal(columns, 2 * mixed)


def short_of_memory(monkeypatch, most):
    forward = ImageModel.forward

    def limited(self, image):
        if self.training and len(image) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, image)

    monkeypatch.setattr(ImageModel, "forward", limited)


def test_when_memory_runs_out_the_micro_batch_is_halved_and_the_batch_kept(digits, settings, tmp_path, monkeypatch):
    short_of_memory(monkeypatch, 20)
    notes = Notes()
    short = train_fold(digits, 0, 0, settings(epochs=1), tmp_path / "a", notes)
    assert [text for text in notes.texts if "memory ran out" in text] == [
        "memory ran out: continuing in micro-batches of 32 of a batch's 64 rows",
        "memory ran out: continuing in micro-batches of 16 of a batch's 64 rows",
    ]
    assert len(short.history) == 1


def test_when_not_even_one_row_fits_that_is_refused(digits, settings, tmp_path, monkeypatch):
    short_of_memory(monkeypatch, 0)
    with pytest.raises(InputError, match="a single row does not fit"):
        train_fold(digits, 0, 0, settings(), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mix", [[{"name": "MixUp", "alpha": 0.4}], [{"name": "CutMix"}], [{"name": "MixUp"}, {"name": "CutMix"}]]
)
def test_mixed_batches_train(digits, settings, tmp_path, mix):
    plain = train_fold(digits, 0, 0, settings(), tmp_path / "a")
    mixed = train_fold(digits, 0, 0, settings(mix=mix), tmp_path / "b")
    assert mixed.history["train_loss"].iloc[-1] > plain.history["train_loss"].iloc[-1]


@pytest.mark.slow
def test_progressive_sizes_share_out_the_epochs(digits, settings, tmp_path, monkeypatch):
    seen = []
    forward = ImageModel.forward

    def spy(self, image):
        if self.training:
            seen.append(image.shape[1])
        return forward(self, image)

    monkeypatch.setattr(ImageModel, "forward", spy)
    train_fold(digits, 0, 0, settings(model={"progressive_sizes": [16, 24]}, epochs=3, batch_size=200), tmp_path)
    assert seen == [16, 24, 32]


def test_balanced_sampling_draws_each_class_equally_often(digits, settings):
    from dataclasses import replace

    rare = digits.train.copy()
    rare.loc[rare.index[30:], "label"] = "0"
    trainer = make_trainer(replace(digits, train=rare), 0, 0, settings(sampling="balanced"), Silent())
    labels = digits.problem.truth(rare)
    drawn = [labels[row] for epoch in range(20) for row in _rows(trainer.sampler, epoch)]
    shares = np.bincount(drawn, minlength=10) / len(drawn)
    present = np.unique(labels[digits.training_rows(0)])
    assert shares[present] == pytest.approx(1 / len(present), rel=0.25)


def _rows(sampler, epoch):
    sampler.epoch = epoch
    return [row for _, row in sampler]


def test_class_weights_are_scikit_learns(digits, settings):
    from sklearn.utils.class_weight import compute_class_weight

    truth = np.array([0] * 6 + [1] * 3 + [2] + list(range(10)))
    ours = class_weights(settings(class_weights="balanced").train, digits.problem, truth)
    assert ours.tolist() == pytest.approx(compute_class_weight("balanced", classes=np.arange(10), y=truth))
    trainer = make_trainer(digits, 0, 0, settings(class_weights=list(range(1, 11))), Silent())
    assert trainer.loss.weight.tolist() == list(range(1, 11)) and trainer.plain_loss.weight is None


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"class_weights": [1.0, 2.0]}, "has 2 values for 10"),
        ({"class_weights": "balanced", "loss": "LabelSmoothingCrossEntropy"}, "has no argument for them"),
        ({"label_smoothing": 0.1, "loss": "LabelSmoothingCrossEntropy"}, "does not take .* targets \\(soft, by mix"),
        ({"loss": {"name": "CrossEntropyLoss", "reduction": "none"}}, "not the mean over the batch"),
        ({"mix": [{"name": "Resize", "size": 3}]}, "Resize does not mix rows"),
        ({"mix": [{"name": "MixUp", "beta": 3}]}, "train.mix.0: MixUp refused its arguments"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(digits, settings, train, message):
    with pytest.raises(InputError, match=message):
        make_trainer(digits, 0, 0, settings(**train), Silent())


def test_label_smoothing_is_torchs(digits, settings):
    trainer = make_trainer(digits, 0, 0, settings(label_smoothing=0.1), Silent())
    logits, rows = torch.randn(20, 10), torch.arange(20)
    truth = torch.tensor(digits.problem.truth(digits.train)[:20])
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=0.1)(logits, truth)
    assert trainer.loss(logits, trainer.targets[rows]) == pytest.approx(float(theirs), rel=1e-5)


def test_focal_loss_without_focus_is_cross_entropy():
    logits, classes = torch.randn(8, 3), torch.randint(0, 3, (8,))
    labels, weight = torch.randint(0, 2, (8, 3)).float(), torch.tensor([1.0, 2.0, 3.0])
    cross = torch.nn.functional.cross_entropy(logits, classes)
    assert FocalLoss(gamma=0)(logits, classes) == pytest.approx(float(cross), rel=1e-5)
    binary = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)
    assert FocalLoss(gamma=0, exclusive=False, weight=weight)(logits, labels) == pytest.approx(float(binary), rel=1e-5)


def test_focal_loss_of_labels_is_torchvisions():
    from torchvision.ops import sigmoid_focal_loss

    logits, labels = torch.randn(8, 3), torch.randint(0, 2, (8, 3)).float()
    theirs = sigmoid_focal_loss(logits, labels, alpha=-1, gamma=2, reduction="mean")
    assert FocalLoss(gamma=2, exclusive=False)(logits, labels) == pytest.approx(float(theirs), rel=1e-5)


def test_focal_loss_by_hand():
    # Two classes with probabilities 0.75 and 0.25, the first is right: 0.25^2 * -log(0.75).
    logits = torch.log(torch.tensor([[0.75, 0.25]]))
    assert FocalLoss(gamma=2)(logits, torch.tensor([0])) == pytest.approx(0.0625 * -np.log(0.75), rel=1e-5)


def test_timms_asymmetric_loss_is_named_as_it_is():
    config = TrainConfig(loss={"name": "AsymmetricLossMultiLabel", "gamma_neg": 2})
    logits, labels = torch.randn(8, 3), torch.randint(0, 2, (8, 3)).float()
    loss = build_loss(config, "multilabel")
    parts = [float(loss(logits[part], labels[part])) for part in (slice(0, 4), slice(4, 8))]
    assert loss.gamma_neg == 2 and loss(logits, labels) == pytest.approx(sum(parts) / 2, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("average", [{"name": "ema", "decay": 0.9}, {"name": "swa", "start": 1}])
def test_the_average_is_what_is_judged_and_kept(digits, settings, tmp_path, average):

    plain = train_fold(digits, 0, 0, settings(epochs=3), tmp_path / "a")
    averaged = train_fold(digits, 0, 0, settings(epochs=3, average=average), tmp_path / "b")
    assert list(plain.history["train_loss"]) == list(averaged.history["train_loss"])
    assert plain.history["valid_loss"].iloc[-1] != averaged.history["valid_loss"].iloc[-1]
    assert score_again(digits, averaged) == averaged.score


def test_swa_is_the_mean_of_the_epochs(digits, settings):
    trainer = make_trainer(digits, 0, 0, settings(average={"name": "swa"}), Silent())
    weight, seen = trainer.model.head.fc.weight, []
    batches = trainer.model.backbone.bn1.num_batches_tracked
    for epoch in range(3):
        with torch.no_grad():
            weight += 1
            batches += 5
        seen.append(weight.clone())
        trainer.average.epoch_ended(epoch)
    judged = trainer.average.judged(2)
    assert torch.allclose(judged.head.fc.weight, torch.stack(seen).mean(dim=0), atol=1e-6)
    assert int(judged.backbone.bn1.num_batches_tracked) == 15


@pytest.mark.slow
def test_a_profile_says_where_the_time_of_a_step_goes(digits, settings, tmp_path):
    notes, plain = Notes(), train_fold(digits, 0, 0, settings(), tmp_path / "a")
    profiled = train_fold(digits, 0, 0, settings(profile=4), tmp_path / "b", notes)
    profile = next(text for text in notes.texts if text.startswith("profile of 4 steps"))
    shares = [float(line.split()[-1].rstrip("%")) for line in profile.splitlines()[1:]]
    assert [line.split()[0] for line in profile.splitlines()[1:]] == ["data", "to", "forward", "loss", "backward", "optimizer"]
    assert 60 < sum(shares) <= 101
    assert "aten::" in notes.files["profile.txt"]
    assert list(plain.history["train_loss"]) == list(profiled.history["train_loss"])
