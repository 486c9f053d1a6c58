"""The portfolio that goldfold ships with, and a competitor's own."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.conftest import DEMO_PARAMS, ROOT

from goldfold.config import parse_config
from goldfold.config.recipe import overlaid, parse_yaml, read_recipe
from goldfold.errors import InputError
from goldfold.imports import known_modalities
from goldfold.init import propose, proposed
from goldfold.modalities.image import pretrained
from goldfold.race.portfolio import read_portfolio

SHIPPED = ROOT / "experiments/portfolio"


def tree_of(kind):
    """The shipped params.yaml for a kind of input."""
    tree = YAML(typ="safe").load(Path(DEMO_PARAMS))
    model = {"model": {"name": "test_resnet"}} if kind == "sound" else {}
    return overlaid(tree, {"competition": {"modality": kind}, "augment": [], **model}) if kind != "image" else tree


@pytest.mark.parametrize("kind", ["image", "sound", "table", "text"])
def test_each_configuration_says_what_it_tries_and_fits_the_shipped_params_yaml(kind):
    entries = read_portfolio(SHIPPED, tree_of(kind))
    assert 3 < len(entries) < 12 and len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.tries and entry.config().train.max_hours is None
        assert entry.config().split == entries[-1].config().split


def test_the_portfolio_for_images_fits_what_init_writes_for_photos(monkeypatch, write_competition):
    monkeypatch.setattr(pretrained, "where_from", lambda _: "the local cache")
    root = write_competition({"label": ["cat", "dog"] * 10}, {"label": ["cat"] * 4})
    tree = parse_yaml(proposed(DEMO_PARAMS.read_text(), propose(root, str(root), {"target": "label"}).settings), "params.yaml")
    assert tree["model"]["estimator"] == "linear" and tree["finetune"]["head_epochs"] == 2
    names = [entry.name for entry in read_portfolio(SHIPPED, tree) if entry.config()]
    assert names[0] == "features" and {"head", "finetune", "params"} <= set(names)
    finetuned = parse_config(overlaid(tree, read_recipe(ROOT / "experiments/recipes", "finetune")))
    assert finetuned.model.reader is None and finetuned.model.name == tree["model"]["name"]


def test_there_is_a_portfolio_for_nothing_but_kinds_of_input():
    assert all(set(folder.name.split("+")) <= set(known_modalities()) for folder in SHIPPED.iterdir())


def test_files_race_in_the_order_of_their_numbers_and_params_yaml_comes_last(tmp_path):
    for name in ("20-b", "100-c", "10-a"):
        path = tmp_path / "image" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# Tries: {name}, said in a line.\ntrain: {{epochs: 2}}\n")
    entries = read_portfolio(tmp_path, tree_of("image"))
    assert [entry.name for entry in entries] == ["a", "b", "c", "params"]
    assert entries[0].tries == "10-a, said in a line" and entries[0].config().train.epochs == 2


def test_another_model_takes_none_of_the_settings_of_that_in_params_yaml(tmp_path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table/10-a.yaml").write_text("model: {name: ExtraTrees, args: {n_estimators: 9}}")
    (tmp_path / "table/20-b.yaml").write_text("model: {rare: 5}")
    tree = {**tree_of("table"), "model": {"name": "linear", "args": {"C": 1.0}}}
    first, second, _ = read_portfolio(tmp_path, tree)
    assert first.config().model.args == {"n_estimators": 9}
    assert second.config().model.args == {"C": 1.0} and second.config().model.rare == 5


def test_a_kind_without_a_portfolio_has_what_params_yaml_says(tmp_path):
    assert [entry.name for entry in read_portfolio(tmp_path, tree_of("image"))] == ["params"]


@pytest.mark.parametrize("overlay", ["split: {n_folds: 3}", "competition: {metric: log_loss}", "runtime: {threads: 1}"])
def test_what_all_members_share_is_for_params_yaml_to_say(tmp_path, overlay):
    (tmp_path / "image").mkdir()
    (tmp_path / "image/10-a.yaml").write_text(overlay)
    with pytest.raises(InputError, match="which all members of a race share"):
        read_portfolio(tmp_path, tree_of("image"))
