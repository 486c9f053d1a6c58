"""Every recipe builds and takes a step."""

import pytest
import timm
import torch
from tests.conftest import RECIPES, read_recipe, with_recipe

from goldfold.config import parse_config
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.trainer import make_trainer

OF_IMAGES = [name for name in RECIPES if "modality" not in read_recipe(name).get("competition", {})]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", OF_IMAGES)
def test_a_recipe_builds_and_takes_a_step(digits, tmp_path, recipe):
    tree = with_recipe(recipe)
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
    torch.save(timm.create_model("resnet50").state_dict(), tmp_path / "weights.pth")
    tree = with_recipe("malaria")
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
    config = parse_config(tree)
    assert (config.train.monitor, config.train.batch_size, config.model.crop) == ("loss", 64, 0.875)
    assert (config.split.strategy, config.split.n_folds) == ("holdout", 1)
    names = [type(transform).__name__ for transform in trainer.batches.dataset.transform.transforms]
    assert names == ["Rotate", "RandomResizedCrop", "VerticalFlip"]
