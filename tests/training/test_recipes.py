"""Every recipe builds and takes a step."""

from pathlib import Path

import pytest
import timm
import torch
from ruamel.yaml import YAML
from tests.conftest import merged

from goldfold.config import parse_config
from goldfold.training.device import find_compute
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.setup import set_up
from goldfold.training.step import train_step

ROOT = Path(__file__).parents[2]
RECIPES = [path for path in sorted((ROOT / "experiments/recipes").glob("*.yaml")) if "modality:" not in path.read_text()]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_builds_and_takes_a_step(digits, tmp_path, recipe):
    yaml = YAML(typ="safe")
    tree = merged(yaml.load((ROOT / "params.yaml").read_text()), yaml.load(recipe.read_text()))
    tree["train"] |= {"batch_size": 4, "workers": 0}
    tree["finetune"] = {**(tree.get("finetune") or {}), "feature_views": 0}
    if tree["model"]["pretrained"]:
        # No network here: random weights stand in for the pretrained ones.
        torch.save(timm.create_model(tree["model"]["name"]).state_dict(), tmp_path / "weights.pth")
        tree["model"]["weights"] = str(tmp_path / "weights.pth")
    tree["finetune"]["feature_views"] = 0
    setup = set_up(digits, 0, 0, parse_config(tree), find_compute("fp32"), Silent())
    rows, inputs = next(iter(setup.batches))
    for epoch in (0, setup.config.train.epochs - 1):
        set_trainable(setup.model, setup.config.finetune, epoch)
        before = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
        assert torch.isfinite(train_step(setup, epoch, 0, rows, inputs, print))
        assert any(not torch.equal(tensor, before[name]) for name, tensor in setup.model.state_dict().items())


@pytest.mark.slow
def test_the_malaria_kernels_recipe_is_the_kernels(digits, tmp_path):
    yaml = YAML(typ="safe")
    recipe = yaml.load((ROOT / "experiments/recipes/malaria.yaml").read_text())
    torch.save(timm.create_model("resnet50").state_dict(), tmp_path / "weights.pth")
    tree = merged(yaml.load((ROOT / "params.yaml").read_text()), recipe)
    tree["model"]["weights"] = str(tmp_path / "weights.pth")
    tree["finetune"]["feature_views"] = 0
    setup = set_up(digits, 0, 0, parse_config(tree), find_compute("fp32"), Silent())
    set_trainable(setup.model, setup.config.finetune, 0)
    assert [name for name, parameter in setup.model.named_parameters() if parameter.requires_grad] == [
        "head.fc.weight",
        "head.fc.bias",
    ]
    assert isinstance(setup.optimizer, torch.optim.SGD) and setup.optimizer.param_groups[0]["momentum"] == 0.9
    assert (setup.schedule.scheduler.step_size, setup.schedule.scheduler.gamma) == (3, 0.1)
    assert setup.config.train.monitor == "loss"
