"""Every recipe builds and takes a step."""

from pathlib import Path

import pytest
import timm
import torch
from ruamel.yaml import YAML
from tests.conftest import merged

from goldfold.config import parse_config
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.trainer import make_trainer

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
    trainer = make_trainer(digits, 0, 0, parse_config(tree), Silent())
    rows, inputs = next(iter(trainer.batches))
    for epoch in (0, trainer.config.train.epochs - 1):
        set_trainable(trainer.model, trainer.config.finetune, epoch)
        before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
        assert torch.isfinite(train_step(trainer, epoch, 0, rows, inputs))
        assert any(not torch.equal(tensor, before[name]) for name, tensor in trainer.model.state_dict().items())


@pytest.mark.slow
def test_the_malaria_kernels_recipe_is_the_kernels(digits, tmp_path):
    yaml = YAML(typ="safe")
    recipe = yaml.load((ROOT / "experiments/recipes/malaria.yaml").read_text())
    torch.save(timm.create_model("resnet50").state_dict(), tmp_path / "weights.pth")
    tree = merged(yaml.load((ROOT / "params.yaml").read_text()), recipe)
    tree["model"]["weights"] = str(tmp_path / "weights.pth")
    tree["finetune"]["feature_views"] = 0
    trainer = make_trainer(digits, 0, 0, parse_config(tree), Silent())
    set_trainable(trainer.model, trainer.config.finetune, 0)
    assert [name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad] == [
        "head.fc.weight",
        "head.fc.bias",
    ]
    assert isinstance(trainer.optimizer, torch.optim.SGD) and trainer.optimizer.param_groups[0]["momentum"] == 0.9
    assert (trainer.schedule.scheduler.step_size, trainer.schedule.scheduler.gamma) == (3, 0.1)
    assert trainer.config.train.monitor == "loss"
