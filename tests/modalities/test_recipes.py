"""Every recipe of another kind of input than images learns."""

from importlib.util import find_spec

import pytest
import timm
import torch
from tests.conftest import RECIPES, read_recipe, with_recipe
from tests.modalities.rectangles import write_competition
from tests.modalities.sounds import write_tones

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.prepare import prepare
from goldfold.training import train_fold

OF_OTHERS = [name for name in RECIPES if "modality" in read_recipe(name).get("competition", {})]


@pytest.mark.parametrize("recipe", OF_OTHERS)
def test_a_recipe_learns(table_root, tmp_path, recipe):
    tree = with_recipe(recipe)
    makers = {"sound": write_tones, "masks": write_competition}
    made = makers.get(tree["competition"]["modality"])
    root = made(tmp_path / "made") if made else table_root
    if tree["model"].get("pretrained"):
        # No network here: random weights stand in for the pretrained ones.
        torch.save(timm.create_model(tree["model"]["name"]).state_dict(), tmp_path / "weights.pth")
        tree["model"]["weights"] = str(tmp_path / "weights.pth")
    if tree["model"].get("name") == "transformer" and not find_spec("transformers"):
        pytest.skip("transformers is not installed: pip install -r requirements-transformers.txt")
    tree["competition"] = {"path": str(root), "modality": tree["competition"]["modality"]}
    tree["train"] |= {"epochs": 3, "workers": 0, "precision": "fp32"}
    config = parse_config(tree)
    prepared, _ = prepare(read_competition(config.competition), config.split, config.prepare, tmp_path / "prepared")
    history = train_fold(prepared, 0, 0, config, tmp_path / "fold").history
    assert history["valid_loss"].notna().all()
