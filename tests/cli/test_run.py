"""`goldfold run`: a recipe laid over params.yaml, with a dvc that writes down what it sees."""

import subprocess

import pytest
from ruamel.yaml import YAML

from goldfold.cli.main import run_command
from goldfold.config.recipe import overlaid, with_values_of
from goldfold.errors import InputError

PARAMS = """\
# What the competition is.
competition:
  path: data/demo/digits
  solution: "s.csv"  # test labels
model: {name: test_resnet}
train:
  lr: 1e-3  # found by lr-find
  scheduler: {name: OneCycleLR, args: {pct_start: 0.25}}
"""
NASTY = {
    "regex": "\\d+\\s\\\\{2}\\.png$",
    "quotes": 'it\'s "quoted", {a: b} [c] # no comment',
    "interpolated": "${train.lr} ${{x}}",
    "spelt": "für 数据 😀\u2028\ttab\nnew line ",
    "words": ["null", "true", "1e3", "0x1", "no", "~", "", " "],
    "values": [None, True, 1, 1.5, -0.0, 1e-9, [[], {}, [None, {"a.b": [1]}]]],
    "a.b": {"c:d": "-", "?": "!", "0": 0, "über": "&x *x"},
}


def read(text):
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize("key", NASTY)
def test_no_value_is_damaged(key):
    tree = {**read(PARAMS), "prepare": {key: NASTY[key]}}
    assert read(with_values_of(PARAMS, tree)) == tree


def test_true_does_not_stay_where_one_is_meant_and_an_alias_is_no_second_home():
    assert repr(read(with_values_of("a: true\nb: [true]\n", {"a": 1, "b": [1]}))) == "{'a': 1, 'b': [1]}"
    shared = "a: &x {v: 1}\nb: *x\n"
    assert read(with_values_of(shared, {"a": {"v": 2}, "b": {"v": 1}})) == {"a": {"v": 2}, "b": {"v": 1}}


def test_a_section_with_a_name_is_merged():
    base = {"competition": {"path": "a", "name": "b"}, "model": {"name": "x", "pool": "avg"}}
    assert overlaid(base, {"competition": {"name": "c"}, "model": {"name": "y"}}) == {
        "competition": {"path": "a", "name": "c"},
        "model": {"name": "y", "pool": "avg"},
    }


def test_a_named_thing_is_replaced_whole_and_comments_stay():
    recipe = {"train": {"lr": 0.1, "scheduler": {"name": "StepLR", "args": {"step_size": 3}}}}
    text = with_values_of(PARAMS, overlaid(read(PARAMS), recipe))
    assert read(text)["train"] == recipe["train"]
    assert "# What the competition is." in text and "# test labels" in text and "  lr: 0.1   # found by lr-find" in text


@pytest.fixture
def stub(desk, monkeypatch):
    """A committed params.yaml, a recipe, and a dvc that keeps its arguments and the params.yaml that it sees."""
    (desk / "params.yaml").write_text(PARAMS)
    (desk / "experiments/recipes").mkdir()
    (desk / "experiments/recipes/mine.yaml").write_text("# Tries: x.\nprepare: {image_size: 9}\ncompetition: {id: '\\d,{é}'}\n")
    (desk / "stub").mkdir()
    (desk / "stub/dvc.py").write_text(
        "import shutil, sys\nif 'list' not in sys.argv:\n    open('seen.txt', 'w').write('\\n'.join(sys.argv[1:]))\n"
        "    shutil.copy('params.yaml', 'seen.yaml')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(desk / "stub"), prepend=":")
    for command in (["init", "-q"], ["add", "params.yaml"], ["-c", "user.name=t", "-c", "user.email=t", "commit", "-qm", "p"]):
        subprocess.run(["git", *command], check=True)
    return desk


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--queue"], ["--temp", "-S", "train.lr=0.1"], []])
def test_dvc_sees_the_recipe_over_params_yaml(stub, options):
    run_command(["run", "mine", *options])
    assert (stub / "seen.txt").read_text().split() == ["exp", "run", "--name", "mine", *options]
    seen = read((stub / "seen.yaml").read_text())
    assert seen["prepare"] == {"image_size": 9} and seen["competition"]["id"] == "\\d,{é}" and seen["train"]["lr"] == 1e-3
    # Where DVC runs a copy, the workspace is as it was.
    assert ((stub / "params.yaml").read_text() == PARAMS) == bool(options)


@pytest.mark.slow
def test_minutes_end_the_training_and_the_rest_is_dvcs(stub):
    run_command(["run", "mine", "--max-minutes", "30", "-S", "train.lr=0.1"])
    assert (stub / "seen.txt").read_text().split()[-2:] == ["-S", "train.lr=0.1"]
    assert read((stub / "seen.yaml").read_text())["train"]["max_hours"] == 0.5


@pytest.mark.slow
def test_a_recipe_is_not_laid_over_changes(stub):
    (stub / "params.yaml").write_text(f"{PARAMS}augment: []\n")
    with pytest.raises(InputError, match=r"(?s)uncommitted changes.*git restore params.yaml"):
        run_command(["run", "mine"])
