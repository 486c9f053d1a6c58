"""Auxiliary columns: what a network learns of them, from which rows, and that nothing of it is kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.conftest import score_again
from tests.training.test_resume import after, same
from torch import nn
from torchvision.transforms import v2

from goldfold import identity
from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.prepare import prepare
from goldfold.training import train_fold
from goldfold.training.auxiliary import encoded, require_features
from goldfold.training.device import find_compute, machine
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.stopping import Stopped
from goldfold.training.trainer import make_trainer

COMPUTE = find_compute("fp32")
COLUMNS = {"height": 0.5, "species": 0.25, "wet": 0.25}


@pytest.fixture(scope="module")
def plants(tmp_path_factory):
    """A prepared set of plants whose height, species and wetness the test table lacks, with ten rows of competition.extra that
    lack them too, and how to train its models."""
    root = tmp_path_factory.mktemp("plants") / "plants"
    root.mkdir()
    draws = np.random.default_rng(0)
    x = draws.normal(size=(150, 4)).round(4)
    table = pd.DataFrame(x, columns=list("abcd")).assign(y=np.where(x[:, 0] + x[:, 1] > 0, "p", "n"))
    table.insert(0, "id", [f"r{row}" for row in range(150)])
    known = table.assign(
        height=np.where(draws.random(150) < 0.2, np.nan, 300 + 50 * x[:, 0]),
        species=np.where(x[:, 1] > 0.5, "oak", np.where(x[:, 1] < -0.5, "elm", "")),
        wet=np.where(x[:, 2] > 0, "yes", "no"),
        seen="2024-01-01",
    )
    known[:120].to_csv(root / "train.csv", index=False)
    table[120:130].to_csv(root / "extra.csv", index=False)
    table[130:].drop(columns="y").to_csv(root / "test.csv", index=False)
    table[130:][["id", "y"]].to_csv(root / "sample_submission.csv", index=False)

    def build(name="mlp", **train):
        tree = {
            "competition": {
                "path": str(root),
                "modality": "table",
                "extra": [{"path": "extra.csv", "weight": 0.5}],
            },
            "split": {"n_folds": 3, "folds": [0, 1, 2]},
            "model": {"name": name, **({"hidden": [16]} if name == "mlp" else {})},
            "train": {"epochs": 3, "batch_size": 32, "lr": 0.01, "workers": 0, "precision": "fp32", **train},
        }
        return parse_config(tree)

    config = build()
    competition = read_competition(config.competition, config.prepare)
    return prepare(competition, config.split, config.prepare, root.parent / "set")[0], build


def trainer_of(plants, **train):
    prepared, build = plants
    trainer = make_trainer(prepared, 0, 0, build(**train), Silent())
    set_trainable(trainer.model, trainer.config.finetune, 0)
    return trainer


def loss_of(trainer):
    """The auxiliary loss of all training rows, a mean over rows."""
    rows = torch.from_numpy(trainer.fold.training_rows)
    _, inputs = trainer.fold.plain_view().__getitems__([(0, int(row)) for row in rows])
    with torch.inference_mode():
        _, answers = trainer.auxiliary(**inputs)
    return float(trainer.auxiliary.loss(answers, trainer.auxiliary.targets(rows)) / len(rows))


def test_they_are_learned_through_the_features_that_the_head_reads(plants, tmp_path):
    prepared, build = plants
    trainer = trainer_of(plants, auxiliary=COLUMNS)
    backbone, before = [tensor.clone() for tensor in trainer.model.backbone.parameters()], loss_of(trainer)
    trainer.model.head.requires_grad_(False)
    trainer.loss = lambda logits, target: 0 * logits.sum()
    for step, (rows, inputs) in enumerate(list(trainer.batches) * 20):
        train_step(trainer, 0, step, rows, inputs)
    assert loss_of(trainer) < before / 2
    assert all(not torch.equal(old, new) for old, new in zip(backbone, trainer.model.backbone.parameters(), strict=True))
    plain, beside = (train_fold(prepared, 0, 0, build(auxiliary=given), tmp_path / str(len(given))) for given in ({}, COLUMNS))
    assert any(not torch.equal(plain.weights[name], beside.weights[name]) for name in plain.weights)


def test_nothing_of_them_is_kept_and_the_checkpoint_scores_what_is_told(plants, tmp_path):
    prepared, build = plants
    plain, beside = (train_fold(prepared, 0, 0, build(auxiliary=given), tmp_path / str(len(given))) for given in ({}, COLUMNS))
    assert {name: tensor.shape for name, tensor in plain.weights.items()} == {
        name: tensor.shape for name, tensor in beside.weights.items()
    }
    assert plain.spec == beside.spec and plain.codec == beside.codec and plain.rows == beside.rows
    assert beside.score == score_again(prepared, beside)


def test_without_them_the_identity_and_the_state_are_what_they_were(plants, monkeypatch):
    prepared, build = plants
    assert "auxiliary" not in trainer_of(plants).state_dict()
    keys = [identity.training_key(prepared, 0, 0, build(auxiliary=given), machine()) for given in ({}, COLUMNS)]
    assert len(set(keys)) == 2
    monkeypatch.setattr(identity, "_key", lambda content, *_: str(content))
    for config, named in ((build(), False), (build(auxiliary=COLUMNS), True)):
        keys = identity.training_key(prepared, 0, 0, config, machine()), identity.result_key(prepared, config)
        assert ["auxiliary" in key for key in keys] == [named, named]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.Series([1.0, 3.0, np.nan, 5.0, 900.0]), nn.functional.mse_loss),
        (pd.Series(["u", "v", None, "u", "new"], dtype="str"), nn.functional.cross_entropy),
        (pd.Series([True, False, None, True, None], dtype=object), nn.functional.cross_entropy),
    ],
    ids=["numbers", "categories", "booleans with gaps"],
)
def test_the_loss_is_torchs_over_the_cells_that_are_known(cells, expected):
    rows, known = torch.arange(4), torch.tensor([0, 1, 3])
    column = encoded(cells, rows.numpy(), np.full(5, 0.3), COMPUTE)
    answers = torch.randn(4, column.outputs, generator=torch.Generator().manual_seed(0))
    of_known = answers[known, 0] if column.outputs == 1 else answers[known]
    told = column.loss(answers, column.targets(rows)) / len(rows)
    assert torch.isclose(told, 0.3 * expected(of_known, column.values[known]))
    assert column.loss(answers[2:3], column.targets(rows[2:3])) == 0
    if column.outputs == 1:
        learned = column.values[known]
        assert torch.allclose(learned.mean(), torch.tensor(0.0), atol=1e-6) and torch.isclose(
            learned.std(correction=0), torch.tensor(1.0)
        )
    elif cells.iloc[4] == "new":
        assert column.classes == 2 and column.weights[4] == 0


def test_a_mixed_row_has_the_losses_of_its_parts():
    cells = (pd.Series([1.0, 3.0, np.nan, 5.0]), pd.Series(["u", "v", "w", None], dtype="str"))
    rows, mix = torch.arange(4), v2.MixUp(alpha=1.0)
    for column in (encoded(each, rows.numpy(), np.array([1.0, 0.5, 1.0, 2.0]), COMPUTE) for each in cells):
        answers = torch.randn(4, column.outputs, generator=torch.Generator().manual_seed(1))
        _, mixed = mix(torch.zeros(4, 1, 2, 2), torch.cat([torch.eye(4), column.targets(rows)], dim=1))
        shares, targets = mixed[:, :4], mixed[:, 4:]
        each = torch.tensor([[column.loss(answers[[a]], column.targets(rows[[b]])) for b in range(4)] for a in range(4)])
        assert torch.isclose(column.loss(answers, targets), (shares * each).sum(), atol=1e-5)


def test_rows_that_lack_the_columns_teach_the_target_alone(plants):
    trainer = trainer_of(plants, auxiliary=COLUMNS)
    extra = torch.arange(120, 130)
    assert set(extra.tolist()) <= set(trainer.fold.training_rows.tolist())
    assert not trainer.auxiliary.targets(extra).any()
    assert [column.classes for column in trainer.auxiliary.columns] == [0, 2, 2]
    share = trainer.fold.weights[trainer.fold.training_rows]
    known = trainer.auxiliary.columns[2].weights[trainer.fold.training_rows]
    assert torch.allclose(known[share > 0.6] * (known > 0).float().mean(), torch.tensor(0.25 * share.max(), dtype=torch.float32))


def test_micro_batches_add_up_to_the_batch(plants):
    def gradient(**train):
        trainer = trainer_of(plants, auxiliary=COLUMNS, **train)
        trainer.model.eval()
        trainer.optimizer.step = lambda *_, **__: None
        train_step(trainer, 0, 0, *next(iter(trainer.batches)))
        return [parameter.grad for parameter in trainer.trained.parameters()]

    for whole, added in zip(gradient(), gradient(micro_batch_size=5), strict=True):
        assert whole.any() and torch.allclose(whole, added, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_a_mixed_training_goes_on_to_the_same_bits(digits, settings, tmp_path):
    quarters = pd.Series(np.arange(len(digits.train)) % 4).map({0: "a", 1: "b", 2: "c"})
    marked = replace(digits, train=digits.train.assign(ink=np.arange(len(digits.train)) % 7, quarter=quarters))
    chosen = settings(
        model={"pool": "gem"},
        epochs=2,
        batch_size=48,
        auxiliary={"ink": 0.5, "quarter": 0.5},
        mix=[{"name": "MixUp", "alpha": 0.4}, {"name": "CutMix", "alpha": 1.0}],
        average={"name": "ema", "decay": 0.9},
        clip_grad=1.0,
    )
    for steps in (2, 4):
        with pytest.raises(Stopped):
            train_fold(marked, 0, 0, chosen, tmp_path / "fold", scratch=tmp_path, stop=after(steps))
    same(
        train_fold(marked, 0, 0, chosen, tmp_path / "fold", scratch=tmp_path),
        train_fold(marked, 0, 0, chosen, tmp_path / "whole"),
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("heigth", r"heigth: the training table has no such column; did you mean height\?"),
        ("y", "y: it is the target"),
        ("id", "id: it is an id"),
        ("seen", "seen: it is a date or a time"),
    ],
)
def test_columns_that_cannot_be_learned_are_refused(plants, name, message):
    with pytest.raises(InputError, match=rf"train.auxiliary: {message}(.|\n)*height, species, wet"):
        trainer_of(plants, auxiliary={name: 1.0})


def test_what_has_no_features_of_its_own_refuses_them(plants, tmp_path):
    prepared, build = plants
    with pytest.raises(InputError, match=r"train.auxiliary: linear has no features and head of its own(.|\n)*estimators"):
        train_fold(prepared, 0, 0, build("linear", auxiliary=COLUMNS), tmp_path)
    own = nn.Module()
    own.head, own.num_features = nn.Identity(), 2
    own.features = lambda **_: None
    with pytest.raises(InputError, match="your own modules have none"):
        require_features(own, build(auxiliary=COLUMNS))
    require_features(own, build())


def test_a_frozen_backbone_refuses_them(settings):
    with pytest.raises(InputError, match=r"train\.auxiliary teaches the backbone, which finetune.train: head freezes"):
        settings(model={"pretrained": True}, finetune={"train": "head"}, auxiliary={"height": 1.0})
