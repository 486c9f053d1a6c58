"""params.yaml is changed where init has something to say, and nowhere else."""

import re
import subprocess

import pytest
from ruamel.yaml import YAML
from tests.conftest import DEMO_PARAMS

from goldfold.config import parse_config
from goldfold.config.recipe import parse_yaml
from goldfold.errors import InputError
from goldfold.init import Setting, proposed, require_committed, write, written
from goldfold.init.setting import remark

TEXT = DEMO_PARAMS.read_text()


def lines_that_differ(old, new):
    return set(new.splitlines()) - set(old.splitlines()), set(old.splitlines()) - set(new.splitlines())


def loaded(text):
    return YAML(typ="safe").load(text)


def test_a_section_is_written_anew_with_its_reasons_and_all_else_stays():
    settings = [Setting("competition.path", "data/raw/my set"), Setting("competition.metric", "mae", "as you said")]
    text = proposed(TEXT, [*settings, remark("competition", "not read: a.csv")])
    assert loaded(text)["competition"] == {"path": "data/raw/my set", "metric": "mae"}
    new, old = lines_that_differ(TEXT, text)
    assert new == {"  path: data/raw/my set", "  metric: mae # as you said", "  # not read: a.csv"}
    assert old == {line for line in TEXT.splitlines() if line.startswith(("  path: ", "  solution: "))}


def test_a_value_changes_where_it_stands_and_keeps_its_comment():
    text = proposed(TEXT, [Setting("train.epochs", 40), Setting("train.monitor", "loss"), Setting("split.seed", 7, "mine")])
    assert lines_that_differ(TEXT, text)[0] == {
        "  epochs: 40",
        "  monitor: loss # what decides which epoch's checkpoint is the best: the metric, or the loss",
        "  seed: 7 # mine",
    }


def test_a_value_over_several_lines_is_replaced_whole():
    spread = TEXT.replace("  optimizer: {name: adamw}\n", "  optimizer:\n    name: sgd\n    momentum: 0.9\n")
    spread = spread.replace("  folds: [0, 1, 2, 3, 4]", "  folds:\n  - 0\n  - 1\n  #")
    text = proposed(spread, [Setting("train.optimizer", {"name": "adamw"}), Setting("split.folds", [0, 1])])
    tree = loaded(text)
    assert tree["train"]["optimizer"] == {"name": "adamw"} and tree["split"]["folds"] == [0, 1]
    assert tree["train"]["scheduler"] == loaded(TEXT)["train"]["scheduler"]


def test_a_key_that_is_not_there_is_added_unless_it_would_be_the_default():
    assert proposed(TEXT, [Setting("train.warmup_epochs", 0)]) == TEXT
    cosine = Setting("train.scheduler", {"name": "CosineAnnealingLR"})
    assert loaded(proposed(TEXT, [cosine, Setting("train.warmup_epochs", 0.5)]))["train"]["warmup_epochs"] == 0.5


def test_a_section_that_is_not_there_is_added():
    cut = TEXT[: TEXT.index("predict:")]
    assert loaded(proposed(cut, [Setting("predict.average", "logits")]))["predict"] == {"average": "logits"}


def test_to_write_twice_is_to_write_once():
    settings = [Setting("competition.path", "x"), Setting("augment", [{"name": "D4", "p": 0.5}], "why"), Setting("train.lr", 0.1)]
    once = proposed(TEXT, settings)
    assert proposed(once, settings) == once and "augment: # why\n  - {name: D4, p: 0.5}\n" in once


def test_what_would_not_be_valid_is_not_proposed():
    with pytest.raises(InputError, match="there is no such key"):
        proposed(TEXT, [Setting("train.epcohs", 3)])


@pytest.mark.parametrize(
    "value", [r"(?P<label>cat|dog)\.\d+", "images/{id}.jpg", "yes", "1e3", None, [], "a: b # c", "it's, a", "ü"]
)
def test_any_value_survives_being_written(value):
    assert loaded(f"  key: {written(value)} # comment\n") == {"key": value}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(TEXT)
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def test_changes_that_are_not_committed_are_never_written_over(repository):
    path = repository / "params.yaml"
    write(TEXT + "# new\n")
    assert path.read_text().endswith("# new\n")
    with pytest.raises(InputError, match=r"(?s)uncommitted.*git restore.*--print"):
        write(TEXT)
    assert path.read_text().endswith("# new\n")
    subprocess.run(["git", "add", "-A"], check=True)
    with pytest.raises(InputError, match="uncommitted"):
        require_committed()


def test_a_params_yaml_that_git_does_not_know_is_never_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "params.yaml").write_text(TEXT)
    with pytest.raises(InputError, match="not in git"):
        require_committed()
    subprocess.run(["git", "init", "-q"], check=True)
    with pytest.raises(InputError, match="uncommitted"):
        require_committed()


BLOCK = "competition:\n  path: x\nmodel:\n  name: a\ntrain:\n  epochs: 3\n  lr: 0.1\n"
STYLES = {
    "flow": "{competition: {path: x}, model: {name: a}, train: {epochs: 3, lr: 0.1}, split: {n_folds: 3, folds: [0]}}\n",
    "flow over lines": "competition: {\n  path: x,\n}\nmodel: {\n  name: a\n}\ntrain: {\n  epochs: 3,\n  lr: 0.1,\n}\n",
    "four spaces": BLOCK.replace("  ", "    ") + "split:\n    n_folds: 3\n    folds:\n        - 0\n",
    "one space": BLOCK.replace("  ", " "),
    "quoted keys": re.sub(r"(\w+):", r'"\1":', BLOCK),
    "a document's marks": f"---\n{BLOCK}...\n",
    "CRLF": BLOCK.replace("\n", "\r\n"),
    "an alias": BLOCK.replace("model:", "model: &m").replace("name: a", "name: &n a") + "split: {seed: &s 3}\n",
    "explicit keys": "? competition\n: path: x\n? model\n: name: a\n? train\n: epochs: 3\n  lr: 0.1\n",
    "nothing": "{}\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_whatever_the_style_of_params_yaml_the_settings_are_in_it(style):
    settings = [
        Setting("competition.path", "data/raw/mine", "where it is"),
        Setting("competition", None, "a remark", is_remark=True),
        Setting("competition.labels", {"a: b": "#c"}),
        Setting("model.name", "test_resnet"),
        Setting("augment", []),
        Setting("train.epochs", 7, "as it is small"),
        Setting("split.n_folds", 4),
        Setting("split.folds", [0, 1]),
    ]
    config = parse_config(parse_yaml(proposed(STYLES[style], settings), style))
    assert (config.competition.path, config.competition.labels) == ("data/raw/mine", {"a: b": "#c"})
    assert (config.model.name, config.train.epochs, config.split.folds) == ("test_resnet", 7, (0, 1))
    assert config.train.lr == (0.001 if style == "nothing" else 0.1)
