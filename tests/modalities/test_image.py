import pickle

import numpy as np
import pytest
import torch

from goldfold.config import Component, ModelConfig
from goldfold.errors import InputError
from goldfold.modalities import image
from goldfold.training.batches import training_batches

SPEC = {"size": 32, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2], "interpolation": "bilinear"}
FLIPS = [Component(name="HorizontalFlip", p=0.5), Component(name="VerticalFlip", p=0.5)]


def epoch(view, workers, number=0, rows=40):
    batches, sampler = training_batches(view, np.arange(rows), 16, seed=1, workers=workers)
    sampler.epoch = number
    return [(order.tolist(), inputs["image"]) for order, inputs in batches]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_is_the_same_for_any_number_of_workers(digits, workers):
    view = image.training_view(digits, SPEC, [Component(name="Affine", rotate=[-30, 30], p=1)], seed=1)
    for (order, images), (same_order, same) in zip(epoch(view, 0), epoch(view, workers), strict=True):
        assert order == same_order and torch.equal(images, same)


def test_each_epoch_draws_anew_and_the_same_again(digits):
    view = image.training_view(digits, SPEC, [Component(name="Affine", rotate=[-30, 30], p=1)], seed=1)
    first, again = view.__getitems__([(0, 5)])[1]["image"], view.__getitems__([(0, 5)])[1]["image"]
    assert torch.equal(first, again)
    assert not torch.equal(first, view.__getitems__([(1, 5)])[1]["image"])
    assert not torch.equal(first, image.training_view(digits, SPEC, FLIPS, seed=2).__getitems__([(0, 5)])[1]["image"])


def test_the_transforms_of_a_pipeline_draw_independently(digits):
    view = image.training_view(digits, SPEC, FLIPS, seed=0)
    plain = image.plain_view(digits, "train", SPEC).__getitems__([(0, 7)])[1]["image"][0]
    outcomes = {"none": plain, "h": plain.flip(1), "v": plain.flip(0), "both": plain.flip(0).flip(1)}
    counts = dict.fromkeys(outcomes, 0)
    for number in range(400):
        drawn = view.__getitems__([(number, 7)])[1]["image"][0].int()
        counts[min(outcomes, key=lambda name: (drawn - outcomes[name].int()).abs().sum())] += 1
    assert all(60 < count < 140 for count in counts.values()), counts


def test_the_plain_view_has_the_size_and_no_chance(digits):
    view = image.plain_view(digits, "test", {**SPEC, "size": 48})
    rows, inputs = view.__getitems__([(0, 3), (9, 3)])
    assert rows.tolist() == [3, 3] and inputs["image"].shape == (2, 48, 48, 3) and inputs["image"].dtype == torch.uint8
    assert torch.equal(inputs["image"][0], inputs["image"][1])


def test_a_view_pickles_without_the_pixels(digits):
    view = image.training_view(digits, SPEC, FLIPS, seed=0)
    view.__getitems__([(0, 0)])
    assert len(pickle.dumps(view)) < 200_000


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (Component(name="HorizontalFlop"), "did you mean HorizontalFlip"),
        (Component(name="CoarseDropout", max_holes=3), "augment.0: albumentations.CoarseDropout refused.*max_holes"),
        (Component(name="GaussNoise", var_limit=[1, 2]), "var_limit"),
        (Component(name="Affine", p=3), "less than or equal to 1"),
        (Component(name="Normalize"), "leave out Normalize"),
        (Component(name="ToGray", num_output_channels=1), "do not leave an RGB image"),
    ],
)
def test_a_transform_that_would_not_do_what_it_says_is_refused(component, told):
    with pytest.raises(InputError, match=f"(?s){told}"):
        image.augmentation([component])


def test_the_model_normalises_once():
    model = image.ImageModel(torch.nn.Identity(), SPEC["mean"], SPEC["std"])
    seen = model(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8))
    assert seen.shape == (1, 3, 2, 2)
    assert seen[0, :, 0, 0].tolist() == pytest.approx([2.5, 3.0, 3.5])


def test_the_spec_is_the_backbones_own_unless_it_is_given():
    spec = image.input_spec(ModelConfig(name="vit_tiny_patch16_224.augreg_in21k_ft_in1k"))
    assert spec["size"] == 224 and spec["mean"] == [0.5, 0.5, 0.5]
    assert image.input_spec(ModelConfig(name="resnet18", image_size=64))["size"] == 64


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (ModelConfig(name="resnet81"), "timm has no model resnet81; did you mean resnet"),
        (ModelConfig(name="test_resnet", args={"depth": 3}), "refused to build test_resnet"),
        (ModelConfig(name="test_resnet", pretrained=True, weights="no/file.safetensors"), "there is no file no/file.safetensors"),
    ],
)
def test_a_model_that_cannot_be_built_is_told(model, told):
    with pytest.raises(InputError, match=told):
        image.build_model(model, SPEC, 3, model.pretrained)


def test_a_backbone_starts_from_a_file_of_weights(shared_data):
    weights = shared_data / "weights/mobilenetv2_100-imagenet-fp16.safetensors"
    model = ModelConfig(name="mobilenetv2_100", pretrained=True, weights=str(weights), args={"pad_type": "same"})
    built = [image.build_model(model, SPEC, outputs=5, pretrained=True) for _ in range(2)]
    states = [network.backbone.state_dict() for network in built]
    assert torch.equal(states[0]["conv_stem.weight"], states[1]["conv_stem.weight"])
    assert states[0]["classifier.weight"].shape[0] == 5


def test_weights_that_do_not_fit_are_told(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")
    model = ModelConfig(name="test_resnet", pretrained=True, weights=str(tmp_path / "weights.safetensors"))
    with pytest.raises(InputError, match="pretrained weights of test_resnet cannot be loaded"):
        image.build_model(model, SPEC, 3, pretrained=True)


def test_frozen_batch_norms_stay_as_they_were_pretrained(shared_data):
    weights = shared_data / "weights/mobilenetv2_100-imagenet-fp16.safetensors"
    model = ModelConfig(
        name="mobilenetv2_100", pretrained=True, weights=str(weights), args={"pad_type": "same"}, freeze_batch_norm=True
    )
    network = image.build_model(model, SPEC, outputs=2, pretrained=True).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items() if "running" in name}
    network(torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)).sum().backward()
    assert before and all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in before.items())
    assert network.backbone.bn1.weight.grad is None and network.backbone.conv_stem.weight.grad is not None
    image.build_model(model, SPEC, outputs=2, pretrained=False).load_state_dict(network.state_dict())
