import sys
from itertools import pairwise

import numpy as np
import pytest
import torch

from goldfold.config import FinetuneConfig, TrainConfig
from goldfold.errors import InputError
from goldfold.training.batches import EpochSampler, training_batches
from goldfold.training.losses import build_loss
from goldfold.training.optimisation import build_optimizer
from goldfold.training.schedule import Schedule
from goldfold.training.train import train_fold

STEPS = 10


def rates(monitored=1.0, epochs=4, lr=1.0, finetune=None, **train):
    """The learning rate of each step."""
    config = TrainConfig(epochs=epochs, lr=lr, optimizer={"name": "sgd"}, **train)
    finetune = FinetuneConfig(**(finetune or {}))
    optimizer = build_optimizer(config, finetune, torch.nn.Linear(2, 2))
    schedule = Schedule(config, finetune, optimizer, epochs, STEPS)
    seen = []
    for _ in range(epochs):
        for _ in range(STEPS):
            seen.append(optimizer.param_groups[-1]["lr"])
            optimizer.step()
            schedule.batch_ended()
        schedule.epoch_ended(monitored)
    return seen


def test_the_heads_epochs_have_their_own_rate_and_the_schedule_spans_the_rest():
    seen = rates(scheduler="CosineAnnealingLR", finetune={"head_epochs": 2, "head_lr": 5.0})
    assert seen[: 2 * STEPS] == [5.0] * 2 * STEPS
    assert seen[2 * STEPS] == 1.0 and seen[3 * STEPS] == pytest.approx(0.5) and seen[-1] < 0.03


def test_warm_up_follows_the_heads_epochs():
    seen = rates(scheduler={"name": "StepLR", "step_size": 1, "gamma": 0.1}, finetune={"head_epochs": 1}, warmup_epochs=1)
    assert seen[0] == 1.0 and seen[STEPS] < 0.15 and seen[2 * STEPS - 1] > 0.9
    assert seen[2 * STEPS] == pytest.approx(0.1) and seen[3 * STEPS] == pytest.approx(0.01)


def test_a_rise_of_a_single_step_is_no_fault_of_the_schedule():
    seen = rates(scheduler={"name": "OneCycleLR", "pct_start": 0.1}, epochs=1)
    assert len(seen) == STEPS and max(seen) == pytest.approx(1.0, abs=0.05) and seen[-1] < 0.1


def test_steplr_moves_per_epoch():
    assert rates(scheduler={"name": "StepLR", "step_size": 2, "gamma": 0.1})[::STEPS] == pytest.approx([1, 1, 0.1, 0.1])


def test_onecycle_spans_the_training_with_its_peak_at_lr():
    seen = rates(scheduler={"name": "OneCycleLR", "pct_start": 0.25})
    assert max(seen) == pytest.approx(1.0, rel=0.01) and seen.index(max(seen)) in (9, 10)
    assert seen[-1] < 1e-3 and seen[0] == pytest.approx(1 / 25)


def test_cosine_spans_the_training_per_batch():
    seen = rates(scheduler="CosineAnnealingLR")
    assert seen[0] == 1.0 and seen[20] == pytest.approx(0.5) and seen[-1] < 0.01
    assert all(later < earlier for earlier, later in pairwise(seen))


def test_cosine_of_a_given_length_moves_per_epoch():
    seen = rates(scheduler={"name": "CosineAnnealingLR", "T_max": 2})
    assert len(set(seen[:STEPS])) == 1 and seen[STEPS] == pytest.approx(0.5) and seen[2 * STEPS] == pytest.approx(0, abs=1e-9)


def test_plateau_gets_the_monitored_value():
    plateau = {"name": "ReduceLROnPlateau", "patience": 0, "factor": 0.1}
    assert rates(scheduler=plateau)[::STEPS] == pytest.approx([1, 1, 0.1, 0.01])


@pytest.mark.parametrize(
    "scheduler",
    [
        "CosineAnnealingLR",
        {"name": "StepLR", "step_size": 9},
        {"name": "ReduceLROnPlateau", "patience": 9},
        {"name": "ExponentialLR", "gamma": 1.0},
    ],
)
def test_warm_up_rises_to_the_full_rate_and_hands_over(scheduler):
    seen = rates(scheduler=scheduler, warmup_epochs=1)
    rise = seen[:STEPS]
    assert all(later > earlier for earlier, later in pairwise(rise)) and rise[0] < 0.15
    assert seen[STEPS] == 1.0
    assert seen[-1] == 1.0 or (scheduler == "CosineAnnealingLR" and seen[-1] < 0.02)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lion", "rmsprop"])
def test_any_optimiser_of_timm_without_decay_on_biases_and_norms(name):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
    optimizer = build_optimizer(TrainConfig(optimizer={"name": name}, weight_decay=0.1, lr=0.01), FinetuneConfig(), model)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decays[id(model[0].weight)] == 0.1
    assert decays[id(model[0].bias)] == decays[id(model[1].weight)] == 0


def test_arguments_of_the_optimiser_are_passed_on():
    optimizer = build_optimizer(TrainConfig(optimizer={"name": "sgd", "momentum": 0.7}), FinetuneConfig(), torch.nn.Linear(2, 2))
    assert optimizer.param_groups[0]["momentum"] == 0.7


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("binary", "BCEWithLogitsLoss"),
        ("multilabel", "BCEWithLogitsLoss"),
        ("multiclass", "CrossEntropyLoss"),
        ("regression", "MSELoss"),
    ],
)
def test_each_task_has_its_loss(task, name):
    assert type(build_loss(TrainConfig(), task)).__name__ == name


@pytest.mark.parametrize(("task", "name"), [("binary", "CrossEntropyLoss"), ("multiclass", "BCEWithLogitsLoss")])
def test_a_loss_of_another_task_is_refused(task, name):
    with pytest.raises(InputError, match=f"{name} does not fit a {task} task"):
        build_loss(TrainConfig(loss=name), task)


def test_a_loss_of_timm_takes_its_arguments():
    loss = build_loss(TrainConfig(loss={"name": "LabelSmoothingCrossEntropy", "smoothing": 0.2}), "multiclass")
    assert loss.smoothing == 0.2


def test_the_order_of_rows_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        sampler = EpochSampler(np.arange(50), seed)
        sampler.epoch = epoch
        return list(sampler)

    assert order(0, 1) == order(0, 1)
    assert [row for _, row in order(0, 1)] != [row for _, row in order(0, 2)] != [row for _, row in order(1, 2)]
    assert sorted(row for _, row in order(0, 1)) == list(range(50)) and {epoch for epoch, _ in order(0, 1)} == {1}


@pytest.mark.parametrize(("rows", "batches"), [(64, 2), (65, 2), (66, 3), (1, 1), (5, 1)])
def test_only_a_lone_last_row_is_left_out(rows, batches):
    assert len(training_batches(None, EpochSampler(np.arange(rows), 0), 32, 0)) == batches


@pytest.mark.slow
@pytest.mark.parametrize("finetune", [{"head_epochs": 1}, {"head_epochs": 1, "unfreeze_every": 1}])
def test_sgd_takes_parameters_that_join_in_later(digits, settings, weights, tmp_path, finetune):
    model, sgd = {"pretrained": True, "weights": weights}, {"name": "sgd", "momentum": 0.9}
    result = train_fold(digits, 0, 0, settings(model=model, finetune=finetune, optimizer=sgd, epochs=3), tmp_path)
    assert len(result.history) == 3


def huber(logits, target, delta=1.0):
    """A loss that is a plain function."""
    return torch.nn.functional.huber_loss(logits[:, 0], target[:, 0], delta=delta)


def make_loss(smoothing=0.1):
    return torch.nn.CrossEntropyLoss(label_smoothing=smoothing)


def test_a_plain_function_of_logits_and_targets_is_a_loss(monkeypatch):
    monkeypatch.setitem(sys.modules, "my_losses", sys.modules[__name__])
    loss = build_loss(TrainConfig(loss={"name": "my_losses:huber", "delta": 0.5}), "regression")
    assert float(loss(torch.tensor([[3.0]]), torch.tensor([[0.0]]))) == pytest.approx(0.5 * (3 - 0.25))
    theirs = build_loss(TrainConfig(loss={"name": "torch.nn.functional:cross_entropy", "label_smoothing": 0.2}), "multiclass")
    logits, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert theirs(logits, target) == torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.2)
    # A function that makes a loss is called for it, as a class is.
    made = build_loss(TrainConfig(loss={"name": "my_losses:make_loss", "smoothing": 0.3}), "multiclass")
    assert made.label_smoothing == 0.3
