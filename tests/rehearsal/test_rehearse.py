"""What a late stage would refuse, or end in a traceback at, `goldfold check` tells in one message."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from tests.conftest import DEMO_PARAMS, ROOT

from goldfold.cli.main import run_command
from goldfold.competition.demo import write_digits
from goldfold.config import parse_config, save_config
from goldfold.config.recipe import read_yaml, with_values
from goldfold.errors import InputError

BASE = {
    "competition": {"path": "data/raw/digits"},
    "split": {"folds": [0, 1], "n_folds": 2},
    "model": {"name": "test_resnet", "image_size": 32},
    "train": {"epochs": 2, "seeds": [0], "batch_size": 16},
}


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """A folder with data/raw/digits, 100 of the embedded competition's rows."""
    root = tmp_path_factory.mktemp("shipped")
    raw = root / "data/raw/digits"
    write_digits(raw, root / "data/solution.csv")
    table = pd.read_csv(raw / "train.csv", dtype=str)
    table[:100].to_csv(raw / "train.csv", index=False)
    table[:100].assign(size=np.arange(100) % 7).to_csv(root / "table.csv", index=False)
    return root


@pytest.fixture
def check(shipped, tmp_path, monkeypatch, capsys):
    """Run `goldfold check` with settings by dotted key, however slow the machine is; return what it said."""
    for limit in ("ANSWERS_WITHIN", "LEARNING_WITHIN"):
        monkeypatch.setattr(f"goldfold.rehearsal.once.{limit}", 120.0)
    monkeypatch.chdir(shutil.copytree(shipped, tmp_path / "desk"))
    monkeypatch.delenv("DVC_ROOT", raising=False)

    def run(settings):
        with Path("params.yaml").open("w") as file:
            YAML(typ="safe").dump(with_values(BASE, settings), file)
        run_command(["check"])
        return capsys.readouterr().out

    return run


def test_what_runs_is_rehearsed_once(check, monkeypatch):
    said = check({})
    assert "tried on a few rows" in said
    monkeypatch.setattr("goldfold.rehearsal.learning.rehearse_learning", None)
    assert check({}) == said
    with pytest.raises(TypeError):
        check({"train.lr": 0.5})


IMAGE_MISTAKES = {
    "a batch of one before batch norm": ({"train.batch_size": 1}, "more than 1 value per channel"),
    "micro-batches of one": ({"train.micro_batch_size": 1}, "more than 1 value per channel"),
    "a tag that there is not": ({"model.name": "test_resnet.nothing"}, "model.name"),
    "an argument of the network": ({"model.args": {"depths": 3}}, "refused to build test_resnet"),
    "output of another size": ({"model.args": {"global_pool": "nothing"}}, "model"),
    "no activation": ({"model.head": {"hidden": [8], "activation": "Linear"}}, "activation"),
    "a module without forward": ({"model.head": {"hidden": [8], "activation": "Module"}}, "NotImplementedError"),
    "an activation that pools": ({"model.head": {"hidden": [8], "activation": "AdaptiveAvgPool2d"}}, "activation"),
    "names inside OneOf": ({"augment": [{"name": "OneOf", "transforms": ["HorizontalFlip"]}]}, "augment.0"),
    "a crop beyond the image": ({"augment": [{"name": "RandomCrop", "height": 99, "width": 99}]}, "transform the image"),
    "a rare crop": ({"augment": [{"name": "RandomCrop", "height": 99, "width": 99, "p": 0.01}]}, "transform the image"),
    "mix with num_classes": ({"train.mix": [{"name": "MixUp", "num_classes": 3}]}, r"train.mix.0"),
    "labels that are no Parquet": ({"train.pseudo": {"labels": "params.yaml"}}, "is not Parquet"),
    "a seed beyond 2**32": ({"train.seeds": [2**32]}, "train.seeds.0"),
    "a split's seed beyond 2**32": ({"split.seed": 2**32}, "split.seed"),
    "more folds than rows": ({"split.n_folds": 101, "split.strategy": "kfold"}, "100 training rows, too few"),
    "a tiny holdout": ({"split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.001}}, "params.yaml, split"),
    "repeated classes": ({"competition.classes": list("01234567899")}, "9 is listed twice"),
    "an open brace": ({"competition.images": "{"}, "competition.images"),
    "a format for numbers": ({"competition.images": "images/{id:03d}.png"}, "does not fit its columns"),
    "the whole disk": ({"competition.path": "/"}, "holds more than a competition's files"),
    "a million channels": ({"prepare": {"channels": 10**6}}, "prepare.channels"),
    "too many channels": ({"prepare": {"channels": 7}}, "channels"),
    "a step of another task": ({"validate": {"postprocess": ["threshold"]}}, "does not apply to a multiclass task"),
    "a step of another metric": ({"validate": {"postprocess": ["temperature"]}}, "is for metrics of a probability"),
    "NLLLoss": ({"train.loss": "NLLLoss"}, "use CrossEntropyLoss"),
    "KLDivLoss": ({"train.loss": "KLDivLoss"}, "use CrossEntropyLoss"),
    "a loss of three": ({"train.loss": "TripletMarginLoss"}, "train.loss"),
    "a misspelt argument of the optimiser": ({"train.optimizer": {"name": "adamw", "beta": 1}}, "train.optimizer"),
    "a misspelt argument of the scheduler": ({"train.scheduler": {"name": "StepLR", "size": 1}}, "train.scheduler"),
    "no scheduler": ({"train.scheduler": "LRScheduler"}, "train.scheduler|cannot be trained"),
    "no optimiser": ({"train.optimizer": "nothing"}, "train.optimizer.name"),
    "a missing solution": ({"competition.solution": "data/nothing.csv"}, "data/nothing.csv"),
    "an infinite rate": ({"train.lr": float("inf")}, "train.lr"),
    "a rate beyond reason": ({"train.lr": 1e300, "train.optimizer": "sgd"}, "loss of fold 0|cannot be trained"),
    "ranks of classes": ({"predict": {"average": "ranks"}}, "cannot score the ranks"),
    "bounds of classes": ({"predict": {"clip": [0, 1]}}, "predict.clip"),
    "a transform of test rows": (
        {"predict": {"tta": [{"name": "CenterCrop", "height": 99, "width": 99}]}},
        "transform the image",
    ),
    "folds that are no whole numbers": ({"split.folds": [0.0, 1.0]}, "split.folds.0"),
    "weights that are not there": ({"model.pretrained": True, "model.weights": "nothing.pth"}, "model.weights"),
    "a metric's argument": ({"competition.metric": {"name": "f1_macro", "average": "x"}}, "competition.metric"),
    "a metric's column": ({"competition.metric": {"name": "accuracy", "mask": "nothing"}}, "nothing"),
}


@pytest.mark.parametrize("name", IMAGE_MISTAKES)
def test_a_mistake_in_the_settings_of_images_is_one_message(check, name):
    settings, message = IMAGE_MISTAKES[name]
    with pytest.raises(InputError, match=message):
        check(settings)


TABLE = {"competition": {"path": "data/raw/tiny", "modality": "table"}, "model": {}, "prepare": {}, "train": {"epochs": 2}}
OTHER_MISTAKES = {
    "no activation": ({**TABLE, "model.activation": "Conv2d"}, "activation"),
    "no estimator": ({**TABLE, "model.name": "HistGradient"}, "model.name"),
    "an argument of the estimator": ({**TABLE, "model": {"name": "linear", "args": {"C": -1}}}, "cannot be fitted"),
    "a column that there is not": ({**TABLE, "prepare": {"columns": {"nothing": "number"}}}, "nothing"),
    "an initialisation": ({**TABLE, "model.hidden_init": "constant_"}, "hidden_init"),
    "a group that there is not": ({**TABLE, "split": {"strategy": "group", "group": "nothing"}}, "no column nothing"),
    "a metric of another task": ({**TABLE, "competition.metric": "rmse"}, "competition.task"),
    "weights of three classes": ({**TABLE, "train.class_weights": [1, 2, 3]}, "class_weights"),
    "labels of a regression": (
        {**TABLE, "competition.target": "size", "competition.task": "regression", "train.label_smoothing": 0.1},
        "label_smoothing",
    ),
    "weights of a regression": (
        {**TABLE, "competition.target": "size", "competition.task": "regression", "train.class_weights": "balanced"},
        "class_weights",
    ),
    "logits of a regression": (
        {**TABLE, "competition.target": "size", "competition.task": "regression", "predict": {"average": "logits"}},
        "no logits",
    ),
    "a pattern of words": ({**TABLE, "competition.modality": "text", "model.token_pattern": "("}, "token_pattern"),
    "too few words": (
        {**TABLE, "competition.modality": "text", "model": {"name": "tfidf", "min_count": 9999}},
        "min_count|n-gram",
    ),
}


@pytest.fixture
def tiny(check):
    """Check settings on a table with numbers, texts, classes and values."""
    root, draws = Path("data/raw/tiny"), np.random.default_rng(0)
    root.mkdir()
    rows = 60
    table = pd.DataFrame({"id": [f"r{row}" for row in range(rows)], "x": draws.normal(size=rows).round(3)})
    table["words"] = [" ".join(draws.choice(["red", "green", "blue", "one", "two"], 5)) for _ in range(rows)]
    table = table.assign(size=draws.integers(0, 99, rows) + 0.5, label=["yes", "no"] * (rows // 2))
    table[:40].to_csv(root / "train.csv", index=False)
    table[40:][["id", "x", "words"]].to_csv(root / "test.csv", index=False)

    def run(settings):
        target = settings.get("competition.target", "label")
        sample = pd.DataFrame({"id": table["id"][40:], target: "yes" if target == "label" else 0.5})
        sample.to_csv(root / "sample_submission.csv", index=False)
        return check(settings)

    return run


@pytest.mark.parametrize("name", OTHER_MISTAKES)
def test_a_mistake_in_the_settings_of_tables_and_texts_is_one_message(tiny, name):
    settings, message = OTHER_MISTAKES[name]
    with pytest.raises(InputError, match=message):
        tiny(settings)


REGRESSION = {"competition.target": "size", "competition.task": "regression"}
RUNNING = {
    "mlp": {**TABLE},
    "linear": {**TABLE, "model.name": "linear"},
    "boosting": {**TABLE, "model.name": "HistGradientBoosting"},
    "neighbours of many rows": {**TABLE, "model": {"name": "KNeighbors", "args": {"n_neighbors": 20}}},
    "regression": {**TABLE, **REGRESSION},
    "a regression with log1p and bounds": {**TABLE, **REGRESSION, "competition.metric": "rmsle", "predict": {"clip": [0, 100]}},
    "bilstm": {**TABLE, "competition.modality": "text"},
    "tfidf": {**TABLE, "competition.modality": "text", "model.name": "tfidf"},
    "threshold": {**TABLE, "validate": {"postprocess": ["threshold"]}},
    "auto": {**TABLE, "competition.metric": "f1", "validate": {"postprocess": "auto"}},
    "AUC in small folds": {**TABLE, "competition": {**TABLE["competition"], "metric": "roc_auc", "answer": "probability"}},
    "grouping by the id": {**TABLE, "split": {"strategy": "group", "group": "id", "folds": [0]}},
    "folds in time": {**TABLE, "split": {"strategy": "time", "time": "x", "n_folds": 3, "folds": [0, 1]}},
    "a few rows": {**TABLE, "prepare": {"rows": 20}},
}


@pytest.mark.parametrize("name", RUNNING)
def test_what_the_stages_run_is_not_refused(tiny, name):
    assert "tried on a few rows" in tiny(RUNNING[name])


def test_keys_that_are_left_out_have_their_defaults(check):
    assert "tried on a few rows" in check({"split": {"strategy": "kfold"}, "train": {}})


def test_settings_are_written_with_the_defaults_of_keys_that_are_left_out(tmp_path):
    config = parse_config({"competition": {"path": "x", "metric": "accuracy"}, "model": {"name": "x"}})
    save_config(config, tmp_path / "settings.yaml")
    tree = read_yaml(tmp_path / "settings.yaml")
    assert tree["predict"]["tta"] == [] and tree["split"]["group"] is None and tree["competition"]["metric"]["name"] == "accuracy"
    assert parse_config(tree).model_dump() == config.model_dump()


def test_what_takes_too_long_is_left_to_the_stages_and_told(check, monkeypatch):
    monkeypatch.setattr("goldfold.rehearsal.once.LEARNING_WITHIN", 0.01)
    assert "the training took longer, and the rest is left to the stages" in check({"train.lr": 0.002})


@pytest.mark.slow
def test_a_fresh_clone_makes_the_embedded_competition_to_rehearse_on_it(tmp_path, monkeypatch):
    (tmp_path / "src").symlink_to(ROOT / "src")
    for name in ("dvc.yaml", "data/demo/dvc.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(DEMO_PARAMS, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    for name in [name for name in os.environ if name.startswith(("DVC_", "GIT_"))]:
        monkeypatch.delenv(name)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, check=True)
    run_command(["check"])
    assert len(list(Path("data/demo/digits/images").iterdir())) == 1797
    assert len(list(Path(".goldfold/rehearsals").iterdir())) == 1
