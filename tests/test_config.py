import pytest
from pydantic import ValidationError

from goldfold.config import load_config, parse_config
from goldfold.errors import InputError


def tree(**sections):
    return {"competition": {"path": "x"}, "model": {"name": "resnet18"}, **sections}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"train": {"lrr": 1}}, "train.lrr: there is no such key; did you mean lr?"),
        (
            {"competition": {"path": "x", "extra": [{"path": "a", "weigth": 2}]}},
            "weigth: there is no such key; did you mean weight?",
        ),
        ({"competition": {"path": "x", "images": {"trian": "a"}}}, "trian: there is no such key; did you mean train?"),
        ({"validate": {"postprocess": ["treshold"]}}, "validate.postprocess: there is no step treshold; did you mean threshold?"),
        ({"validate": {"postprocess": "threshold"}}, "validate.postprocess: give auto, or a list of steps"),
        ({"trian": {}}, "trian: there is no such key; did you mean train?"),
        ({"train": {"lr": -1}}, "train.lr: should be greater than 0, not -1"),
        ({"train": {"monitor": "los"}}, "train.monitor: should be 'metric' or 'loss', not 'los'"),
        ({"split": {"strategy": "holdout"}}, "strategy holdout has one fold: set n_folds: 1 and folds: [0]"),
        ({"split": {"folds": [0, 7]}}, "folds [0, 7] go beyond n_folds: 5; the last fold is 4"),
        ({"split": {"folds": [0, 0]}}, "must be different numbers"),
        ({"split": {"folds": []}}, "1 wrong setting\n  split.folds: should have 1 or more entries, not []\n"),
        ({"train": {"seeds": [-1]}}, "1 wrong setting\n  train.seeds.0: should be at least 0, not -1\n"),
        ({"train": {"epochs": 1.5}}, "train.epochs: should be a valid integer, not 1.5"),
        ({"train": {"optimizer": 3}}, "train.optimizer: should be a name, or a section, not 3"),
        ({"split": {"strategy": "group"}}, "strategy group needs the name of a column in split.group"),
        ({"split": {"group": "patient"}}, "strategy stratified would split the groups"),
        ({"train": {"warmup_epochs": 10}}, "must be fewer than epochs"),
        ({"train": {"warmup_epochs": 1, "scheduler": "OneCycleLR"}}, "OneCycleLR warms up by itself"),
        ({"model": {"name": "x", "weights": "w"}}, "weights are given but pretrained is false"),
        ({"augment": [{"p": 1}]}, "augment.0.name: this key is missing"),
        ({"runtime": {"engine": "dask"}}, "runtime.engine: should be 'here' or 'ray', not 'dask'"),
        ({"runtime": {"address": "http://x"}}, "http://x is no address of a cluster: give auto, host:6379 or ray://host:10001"),
        ({"runtime": {"storage": "shared"}}, "shared is no place for all nodes: give an absolute folder, or an address"),
        ({"runtime": {"storage": "memory://x"}}, "memory://x is the memory of one process"),
        ({"runtime": {"engine": "ray", "share_gpu": True}}, "Ray gives each fold a GPU of its own"),
    ],
)
def test_a_message_on_a_wrong_setting_names_its_key(sections, message):
    with pytest.raises(InputError) as caught:
        parse_config(tree(**sections))
    assert message in str(caught.value)


def test_all_wrong_settings_are_reported_together():
    with pytest.raises(InputError, match="3 wrong settings"):
        parse_config(tree(train={"lr": 0, "epochs": 0}, predict={"tta": 1}))


def test_something_with_a_name_may_be_its_name_alone_and_passes_its_arguments_on():
    config = parse_config(tree(train={"optimizer": "sgd", "scheduler": {"name": "StepLR", "step_size": 3}}))
    assert (config.train.optimizer.name, config.train.optimizer.args) == ("sgd", {})
    assert config.train.scheduler.args == {"step_size": 3}


def test_the_config_is_frozen():
    with pytest.raises(ValidationError):
        parse_config(tree()).train.lr = 1


def test_numbers_such_as_1e_3_are_numbers_in_arguments_too(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("competition: {path: x}\nmodel: {name: a}\ntrain: {lr: 1e-3, optimizer: {name: adamw, eps: 1e-6}}\n")
    config = load_config(path)
    assert config.train.lr == 1e-3 and config.train.optimizer.args == {"eps": 1e-6}


def test_a_broken_file_names_its_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("competition:\n  path: x\n model: 3\n")
    with pytest.raises(InputError, match="line 3"):
        load_config(path)
    path.write_text("train:\n  lr: 1\n  epochs: 2\n  lr: {a: 1}\n")
    with pytest.raises(InputError, match='not valid YAML: line 4: found duplicate key "lr"\n'):
        load_config(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(InputError, match="root of the repository"):
        load_config(tmp_path / "params.yaml")
