import pickle

import numpy as np
import pytest
import torch
from tests.conftest import problem_of

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.modalities.image import learning as image
from goldfold.modalities.image.augmentation import build_augmentation
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.model import ImageModel, build_model, input_spec
from goldfold.modalities.image.settings import ImageModelConfig
from goldfold.modalities.image.shown import show_rows
from goldfold.training.batches import EpochSampler, training_batches

SPEC = {
    "size": 32,
    "progressive_sizes": [],
    "cache_size": 256,
    "crop": None,
    "channels": 3,
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.2, 0.2],
    "interpolation": "bilinear",
}
ROWS = np.arange(40)
FLIPS = [Component(name="HorizontalFlip", p=0.5), Component(name="VerticalFlip", p=0.5)]


def epoch(view, workers, number=0, rows=40):
    sampler = EpochSampler(np.arange(rows), seed=1)
    sampler.epoch = number
    batches = training_batches(view, sampler, 16, workers)
    return [(order.tolist(), inputs["image"]) for order, inputs in batches]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_is_the_same_for_any_number_of_workers(digits, workers):
    view = image.training_view(digits, ROWS, SPEC, [Component(name="Affine", rotate=[-30, 30], p=1)], seed=1, epochs=4)
    for (order, images), (same_order, same) in zip(epoch(view, 0), epoch(view, workers), strict=True):
        assert order == same_order and torch.equal(images, same)


def test_each_epoch_draws_anew_and_the_same_again(digits):
    view = image.training_view(digits, ROWS, SPEC, [Component(name="Affine", rotate=[-30, 30], p=1)], seed=1, epochs=4)
    first, again = view.__getitems__([(0, 5)])[1]["image"], view.__getitems__([(0, 5)])[1]["image"]
    assert torch.equal(first, again)
    assert not torch.equal(first, view.__getitems__([(1, 5)])[1]["image"])
    assert not torch.equal(
        first, image.training_view(digits, ROWS, SPEC, FLIPS, seed=2, epochs=4).__getitems__([(0, 5)])[1]["image"]
    )


def test_the_transforms_of_a_pipeline_draw_independently(digits):
    view = image.training_view(digits, ROWS, SPEC, FLIPS, seed=0, epochs=4)
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


def test_the_plain_view_crops_where_that_is_set_and_the_training_view_does_not(digits):
    cropped = {**SPEC, "size": 6, "crop": 0.75}
    (seen,) = image.plain_view(digits, "train", cropped).__getitems__([(0, 3)])[1]["image"].numpy()
    pixels = ImageCache.load(digits.folder)[3]
    assert pixels.shape == (8, 8, 3) and np.array_equal(seen, pixels[1:7, 1:7])
    changed = image.plain_view(digits, "train", cropped, Component(name="HorizontalFlip"))
    assert np.array_equal(changed.__getitems__([(0, 3)])[1]["image"][0], seen[:, ::-1])
    whole = image.training_view(digits, ROWS, cropped, (), seed=0, epochs=1).__getitems__([(0, 3)])[1]["image"]
    assert torch.equal(whole, image.plain_view(digits, "train", {**cropped, "crop": None}).__getitems__([(0, 3)])[1]["image"])
    (shown,) = show_rows(digits, "train", [3], cropped)
    assert np.array_equal(shown.picture, seen)


def test_a_view_pickles_without_the_pixels(digits):
    view = image.training_view(digits, ROWS, SPEC, FLIPS, seed=0, epochs=4)
    view.__getitems__([(0, 0)])
    assert len(pickle.dumps(view)) < 200_000


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component(name="HorizontalFlop"), "did you mean HorizontalFlip"),
        (Component(name="CoarseDropout", max_holes=3), "augment.0: albumentations.CoarseDropout refused.*max_holes"),
        (Component(name="GaussNoise", var_limit=[1, 2]), "var_limit"),
        (Component(name="Affine", p=3), "less than or equal to 1"),
        (Component(name="Normalize"), "leave out Normalize"),
        (Component(name="ToGray", num_output_channels=1), "do not return an image of bytes with 3 channels"),
    ],
)
def test_a_transform_that_would_not_do_what_it_says_is_refused(component, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        build_augmentation([component])


def test_the_model_normalises_once():
    model = ImageModel(torch.nn.Identity(), torch.nn.Identity(), SPEC["mean"], SPEC["std"], 3)
    seen = model(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8))
    assert seen.shape == (1, 3, 2, 2)
    assert seen[0, :, 0, 0].tolist() == pytest.approx([2.5, 3.0, 3.5])


def test_the_spec_is_the_backbones_own_unless_it_is_given(digits):
    spec = input_spec(ImageModelConfig(name="vit_tiny_patch16_224.augreg_in21k_ft_in1k"), digits, ROWS)
    assert spec["size"] == 224 and spec["mean"] == [0.5, 0.5, 0.5]
    spec = input_spec(ImageModelConfig(name="resnet18", image_size=64, mean=(0.1,), std=(0.2,)), digits, ROWS)
    assert (spec["size"], spec["mean"], spec["std"]) == (64, [0.1] * 3, [0.2] * 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ImageModelConfig(name="resnet81"), "timm and torchvision have no model resnet81; did you mean resnet"),
        (ImageModelConfig(name="test_resnet", args={"depth": 3}), "refused to build test_resnet"),
        (ImageModelConfig(name="alexnet", args={"depth": 3}), "alexnet refused its arguments"),
        (ImageModelConfig(name="alexnet", pretrained=True), "weights of torchvision's alexnet are not downloaded"),
        (ImageModelConfig(name="squeezenet1_1"), "squeezenet1_1 does not end in a linear layer"),
        (
            ImageModelConfig(name="test_resnet", pretrained=True, weights="no/file.safetensors"),
            "there is no file no/file.safetensors",
        ),
    ],
)
def test_a_model_that_cannot_be_built_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        build_model(model, SPEC, problem_of(3), model.pretrained)
