"""Two processes that train a fold together learn what one learns, and end, go on and agree together."""

import signal
from itertools import chain

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine
from tests.conftest import score_again
from tests.engines.test_here import Heard

from goldfold.competition import read_competition
from goldfold.config import RuntimeConfig, parse_config
from goldfold.engines.folds import pool_of, train_folds
from goldfold.engines.forks import start_forkserver
from goldfold.errors import InputError
from goldfold.identity import result_key, training_key
from goldfold.prepare import prepare
from goldfold.training import train_fold
from goldfold.training.batches import EpochSampler, plain_batches, training_batches
from goldfold.training.device import machine
from goldfold.training.ranks import ShareView, share_of
from goldfold.training.stopping import Stopped, never

pytestmark = pytest.mark.slow

TWO = RuntimeConfig(jobs=1, threads=2, devices_per_job=2)
MLP = {"name": "mlp", "hidden": [16], "dropout": 0.0}
LOSSES = ["train_loss", "valid_loss"]
CURVES = ["epoch", *LOSSES, "accuracy", "lr"]


@pytest.fixture(scope="module")
def pool(digits):
    start_forkserver("goldfold.modalities.image.learning", "goldfold.modalities.table.learning", "timm")
    with pool_of(TWO, digits) as pool:
        yield pool


@pytest.fixture
def train(pool, tmp_path):
    """Train fold 0 by two processes, which other tests use too."""
    return lambda prepared, config, heard=None: train_two(pool, prepared, config, tmp_path, heard or Heard())


def train_two(pool, prepared, config, folder, heard):
    here = config.model_copy(update={"runtime": TWO, "split": config.split.model_copy(update={"folds": (0,)})})
    return next(train_folds(prepared, here, folder / "folds", folder / "scratch", lambda _: heard, never, pool))


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """A prepared set of scikit-learn's wines, and how to train its models."""
    root = tmp_path_factory.mktemp("wine")
    (root / "wine").mkdir()
    table = load_wine(as_frame=True).frame.sample(frac=1, random_state=0).rename_axis("id").reset_index()
    table[:150].to_csv(root / "wine/train.csv", index=False)
    table[150:].drop(columns="target").to_csv(root / "wine/test.csv", index=False)

    def build(model, **train):
        tree = {
            "competition": {"path": str(root / "wine"), "modality": "table", "metric": "accuracy", "target": "target"},
            "split": {"n_folds": 3, "folds": [0, 1, 2]},
            "model": model,
            "train": {"epochs": 2, "workers": 0, "precision": "fp32", **train},
        }
        return parse_config(tree)

    config = build({"name": "linear"})
    return prepare(read_competition(config.competition), config.split, config.prepare, root / "prepared")[0], build


def require_same_curve(ours, theirs):
    assert np.allclose(ours.history[LOSSES], theirs.history[LOSSES], rtol=0, atol=1e-5)
    assert ours.score == theirs.score and ours.key != theirs.key


def require_same_bits(ours, theirs):
    assert all(torch.equal(ours.weights[name], theirs.weights[name]) for name in theirs.weights)
    assert ours.history[CURVES].equals(theirs.history[CURVES]) and ours.key == theirs.key


@pytest.mark.parametrize(
    ("model", "train_by", "finetune"),
    [
        # The last batch of 200 rows is one of two, which both ranks read.
        ({"name": "test_convnext"}, {"batch_size": 66, "micro_batch_size": 20, "class_weights": "balanced"}, None),
        ({"pretrained": True}, {"batch_size": 48, "clip_grad": 0.1}, {"train": "head"}),
    ],
    ids=["cnn", "head on features"],
)
def test_two_learn_images_as_one_does(digits, settings, weights, train, tmp_path, model, train_by, finetune):
    if finetune:
        model = {**model, "weights": weights}
    config, heard = settings(model=model, augment=(), finetune=finetune, **train_by), Heard()
    result = train(digits, config, heard)
    require_same_curve(result, train_fold(digits, 0, 0, config, tmp_path / "alone"))
    assert result.score == score_again(digits, result)
    assert f"fold 0: 2 processes share each batch of {train_by['batch_size']} rows" in "".join(heard.notes)
    assert heard.epochs == [0, 1] and heard.plans[0].device == "2 x cpu"
    # What is trained is taken over.
    again = Heard()
    require_same_bits(train(digits, config, again), result)
    assert again.notes == ["fold 0: already trained with these settings"] and not again.epochs


@pytest.mark.parametrize(
    ("model", "auxiliary"),
    [(MLP, {}), (MLP, {"alcohol": 20.0, "hue": 20.0}), ({"name": "linear"}, {})],
    ids=["mlp", "mlp with auxiliary columns", "an estimator"],
)
def test_two_learn_tables_as_one_does(wine, train, tmp_path, model, auxiliary):
    prepared, build = wine
    # The last batch of 100 rows is one of three, which both ranks read.
    config = build(model, batch_size=97 if auxiliary else 30, clip_grad=0.5 if auxiliary else None, auxiliary=auxiliary)
    require_same_curve(train(prepared, config), train_fold(prepared, 0, 0, config, tmp_path / "alone"))


def test_each_rank_draws_other_numbers(wine, train):
    prepared, build = wine
    train(prepared, build(MLP, loss="uneven:Drawing"))


@pytest.fixture(scope="module")
def signals(tmp_path_factory):
    """The folder of the signals that ranks are to get."""
    return tmp_path_factory.mktemp("signals")


@pytest.fixture(scope="module")
def config(settings, signals):
    """Settings by which much depends on chance, and on what a rank has seen."""
    model, average = {"args": {"drop_rate": 0.2}}, {"name": "ema", "decay": 0.9}
    loss = {"name": "uneven:Hit", "signals": str(signals)}
    return settings(model=model, augment=(), average=average, loss=loss)


@pytest.fixture(scope="module")
def undisturbed(digits, config, pool, tmp_path_factory):
    return train_two(pool, digits, config, tmp_path_factory.mktemp("undisturbed"), Heard())


def test_a_fold_of_which_a_rank_is_killed_goes_on_to_the_same_bits(digits, config, undisturbed, signals, train):
    (signals / "1").write_text(str(signal.SIGKILL.value))
    heard = Heard()
    require_same_bits(train(digits, config, heard), undisturbed)
    assert sum("its process was ended by signal 9" in note for note in heard.notes) == 1, heard.notes
    assert "fold 0: resuming at epoch 2, step 1" in heard.notes


def test_what_asks_one_rank_to_stop_stops_all_and_the_same_call_goes_on(digits, config, undisturbed, signals, train):
    (signals / "1").write_text(str(signal.SIGTERM.value))
    heard = Heard()
    with pytest.raises(Stopped, match="the same command resumes it"):
        train(digits, config, heard)
    require_same_bits(train(digits, config, heard), undisturbed)
    assert "fold 0: resuming at epoch 2, step 3" in heard.notes


def test_a_rank_without_memory_has_all_of_them_halve_their_micro_batches(wine, train, tmp_path):
    prepared, build = wine
    heard, settings = Heard(), {"model": MLP, "batch_size": 44}
    result = train(prepared, build(**settings, loss="uneven:Short"), heard)
    assert [note for note in heard.notes if "memory ran out" in note] == [
        "memory ran out: continuing in micro-batches of 11 of a batch's 44 rows",
        "memory ran out: continuing in micro-batches of 6 of a batch's 44 rows",
    ]
    require_same_curve(result, train_fold(prepared, 0, 0, build(**settings), tmp_path / "alone"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"loss": "uneven:Broken"}, "this row is bad"), ({"sync_batch_norm": True}, "torch synchronises batch norms of GPUs alone")],
)
def test_what_fails_on_a_rank_is_what_all_end_with(wine, train, settings, message):
    prepared, build = wine
    with pytest.raises(InputError, match=message):
        train(prepared, build(MLP, **settings))


class Numbers:
    """A view whose inputs are the rows' numbers."""

    lengths = None

    def __getitems__(self, keys):
        rows = torch.tensor([row for _, row in keys])
        return rows, {"row": rows}


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("rows", [96, 97, 98, 101, 107])
def test_no_row_is_lost_or_doubled(world, rows):
    sampler = EpochSampler(np.arange(rows), 0)
    whole = [list(numbers) for numbers, _ in training_batches(Numbers(), sampler, 16, 0)]
    ranks = [[*training_batches(ShareView(Numbers(), rank, world), sampler, 16, 0)] for rank in range(world)]
    for numbers, *batches in zip(whole, *ranks, strict=True):
        assert all(list(of_batch) == numbers for of_batch, _ in batches)
        shares = [list(inputs["row"]) for _, inputs in batches]
        assert shares == [numbers] * world or sorted(chain(*shares)) == sorted(numbers)
        assert min(map(len, shares)) > 1
        assert shares == [list(share_of(torch.tensor(numbers), rank, world)) for rank in range(world)]
    validated = [list(part) for part, _ in plain_batches(Numbers(), np.arange(rows), 16)]
    loaders = [plain_batches(Numbers(), np.arange(rows), 16, rank=rank, world=world) for rank in range(world)]
    assert sorted(list(part) for loader in loaders for part, _ in loader) == validated


def test_the_devices_of_a_fold_are_in_its_key_where_there_are_several(digits, settings):
    config = settings()
    keys = [training_key(digits, 0, 0, config, on) for on in (machine(), machine(1), machine(2))]
    assert keys[0] == keys[1] != keys[2]
    keys = [result_key(digits, config.model_copy(update={"runtime": RuntimeConfig(devices_per_job=n)})) for n in (1, 2)]
    assert result_key(digits, config) == keys[0] != keys[1]


def test_settings_that_several_devices_cannot_follow_are_refused(settings):
    tree = settings().model_dump(by_alias=True, mode="json")
    with pytest.raises(InputError, match="fewer than two rows for each of 40 devices_per_job"):
        parse_config({**tree, "runtime": {"devices_per_job": 40}})
    with pytest.raises(InputError, match="leave out micro_batch_size"):
        settings(sync_batch_norm=True, micro_batch_size=8)
