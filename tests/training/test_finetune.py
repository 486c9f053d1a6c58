"""What is trained, from when, and at which rate."""

from itertools import pairwise

import pytest
import torch
from safetensors.torch import save_file
from tests.conftest import problem_of

from goldfold.config import FinetuneConfig
from goldfold.errors import InputError
from goldfold.modalities.image.model import build_model
from goldfold.modalities.image.settings import ImageModelConfig
from goldfold.training import train_fold
from goldfold.training.finetune import parameter_groups, set_trainable

SPEC = {"size": 64, "progressive_sizes": [], "channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}


@pytest.fixture
def model():
    return build_model(ImageModelConfig(name="test_resnet"), SPEC, problem_of(4), pretrained=False)


def trained(model, epoch, **finetune):
    set_trainable(model, FinetuneConfig(**finetune), epoch)
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


HEAD = {"head.fc.weight", "head.fc.bias"}


def test_everything_is_trained_unless_it_is_said_otherwise(model):
    assert trained(model, 0) == {name for name, _ in model.named_parameters()}
    assert all(module.training for module in model.modules())


def test_the_head_alone_leaves_the_backbone_as_it_was(model):
    assert trained(model, 5, train="head") == HEAD
    assert model.head.training and not any(module.training for module in model.backbone.modules())


def test_the_head_first_and_then_everything(model):
    assert trained(model, 1, head_epochs=2) == HEAD
    assert len(trained(model, 2, head_epochs=2)) == len(list(model.parameters()))
    assert model.backbone.training


def test_stages_join_in_from_the_last_to_the_first(model):
    seen = [trained(model, epoch, head_epochs=1, unfreeze_every=2) for epoch in range(12)]
    assert seen[0] == HEAD
    assert seen[1] == seen[2] < seen[3] and all(earlier <= later for earlier, later in pairwise(seen))
    assert any(name.startswith("backbone.layer4") for name in seen[1]) and "backbone.conv1.weight" not in seen[1]
    assert seen[-1] == {name for name, _ in model.named_parameters()}


def test_frozen_batch_norms_keep_weights_and_statistics(model):
    names = trained(model, 0, freeze_batch_norm=True)
    assert not any("bn" in name for name in names) and "backbone.layer1.0.conv1.weight" in names
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if "running" in name}
    model(torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8))
    assert before and all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items())


def test_the_rate_falls_with_each_layer_below_the_head(model):
    groups = parameter_groups(model, FinetuneConfig(layer_decay=0.5), lr=1.0, weight_decay=0.1)
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    by_name = {name: rates[id(parameter)] for name, parameter in model.named_parameters()}
    assert by_name["head.fc.weight"] == 1.0
    assert by_name["backbone.layer4.0.conv1.weight"] == 0.5
    first = min(by_name.values())
    assert first < 0.2 and all(rate == first for name, rate in by_name.items() if name.startswith("backbone.conv1"))


def test_norms_and_biases_have_a_weight_decay_of_their_own(model):
    groups = parameter_groups(model, FinetuneConfig(norm_weight_decay=0.01), lr=1.0, weight_decay=0.1)
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    for parameter in model.parameters():
        assert decay[id(parameter)] == (0.01 if parameter.ndim <= 1 else 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finetune", "unchanged"),
    [({"train": "head"}, "backbone."), ({"freeze_batch_norm": True}, "bn"), ({"head_epochs": 1, "unfreeze_every": 9}, "layer1")],
)
def test_training_changes_nothing_that_is_frozen(digits, settings, weights, tmp_path, finetune, unchanged):
    config = settings(model={"pretrained": True, "weights": weights}, finetune=finetune, epochs=3)
    result = train_fold(digits, 0, 0, config, tmp_path)
    from safetensors.torch import load_file

    start = load_file(weights)
    same = {name for name in start if name in result.weights and torch.equal(start[name], result.weights[name])}
    kept = {name for name in start if unchanged in name and "head" not in name}
    assert kept and kept <= same and "head.fc.weight" not in same


def test_the_heads_epochs_train_at_their_own_rate(digits, settings, weights, tmp_path):
    finetune = {"head_epochs": 1, "head_lr": 0.02, "layer_decay": 0.5}
    config = settings(model={"pretrained": True, "weights": weights}, finetune=finetune, epochs=2)
    assert train_fold(digits, 0, 0, config, tmp_path).history["lr"].iloc[0] == 0.02


@pytest.mark.parametrize(
    ("finetune", "model", "message"),
    [
        ({"train": "head"}, {}, "a network that is not pretrained"),
        ({"head_epochs": 2}, {"pretrained": True}, "must be fewer than the 2 epochs"),
        ({"train": "head", "head_epochs": 1}, {"pretrained": True}, "leave out head_epochs"),
        ({"head_lr": 1.0}, {"pretrained": True}, "head_epochs, which are 0"),
        ({"layer_decay": 1.5}, {}, "at most 1"),
    ],
)
def test_settings_that_clash_are_refused(settings, finetune, model, message):
    with pytest.raises(InputError, match=message):
        settings(model=model, finetune=finetune)


OWN = """
import torch

class Net(torch.nn.Module):
    def __init__(self, outputs, width=4):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, width, 3, stride=2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1))
        self.{head} = torch.nn.Linear(width, outputs)

    def forward(self, pixels):
        return self.{head}(self.body(pixels).flatten(1))
"""


@pytest.mark.slow
def test_a_network_of_ones_own_trains_with_and_without_a_head(digits, settings, tmp_path, own_code):
    for module, head in (("with_head", "head"), ("without_head", "out")):
        (own_code / f"{module}.py").write_text(OWN.format(head=head))
    result = train_fold(digits, 0, 0, settings(model={"name": "own.without_head:Net", "args": {"width": 6}}), tmp_path / "a")
    assert result.weights["backbone.out.weight"].shape == (10, 6)
    save_file({name: tensor.contiguous() for name, tensor in result.weights.items()}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="no part called head"):
        head_only = {
            "name": "own.without_head:Net",
            "args": {"width": 6},
            "pretrained": True,
            "weights": str(tmp_path / "w.safetensors"),
        }
        train_fold(digits, 0, 0, settings(model=head_only, finetune={"train": "head"}), tmp_path / "b")
    first = train_fold(digits, 0, 0, settings(model={"name": "own.with_head:Net"}), tmp_path / "c")
    save_file({name: tensor.contiguous() for name, tensor in first.weights.items()}, tmp_path / "h.safetensors")
    frozen = {"name": "own.with_head:Net", "pretrained": True, "weights": str(tmp_path / "h.safetensors")}
    second = train_fold(digits, 0, 0, settings(model=frozen, finetune={"train": "head"}), tmp_path / "d")
    assert torch.equal(first.weights["backbone.body.0.weight"], second.weights["backbone.body.0.weight"])
    assert not torch.equal(first.weights["backbone.head.weight"], second.weights["backbone.head.weight"])


MLP = {"head": {"hidden": [32, 16], "dropout": 0.3, "activation": "GELU"}}


@pytest.mark.parametrize(
    ("model", "parts", "width"),
    [
        (MLP, ["drop1", "fc1", "act1", "drop2", "fc2", "act2", "drop", "fc"], 16),
        ({"pool": "gem"}, ["pool", "fc"], 96),
        ({"pool": "catavgmax"}, ["fc"], 192),
        ({"head": {"dropout": 0.5}}, ["drop", "fc"], 96),
    ],
)
def test_heads_and_pooling(digits, settings, tmp_path, model, parts, width):
    head = train_fold(digits, 0, 0, settings(model=model, epochs=1), tmp_path).build_model().head
    assert [name for name, _ in head.named_children()] == parts and head.fc.in_features == width


def test_a_backbone_without_a_feature_map_cannot_be_pooled_by_gem():
    vit = ImageModelConfig(name="test_vit", pool="gem", image_size=64, args={"img_size": 64})
    with pytest.raises(InputError, match="cannot take an image of 64 pixels: GeM pools a feature map"):
        build_model(vit, SPEC, problem_of(3), pretrained=False)
