import numpy as np
import pytest
import torch
from tests.conftest import SPEC, problem_of
from torch import nn

from goldfold.modalities.image.model import ImageModel, build_model
from goldfold.modalities.image.saliency import heat_maps
from goldfold.modalities.image.settings import ImageModelConfig

SIDE, PATCH = 32, 8


def patches(count, seed):
    """Noise, of which every other image has a striped patch somewhere; where that is, in pixels."""
    draws = np.random.default_rng(seed)
    images = draws.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    corners = draws.integers(0, SIDE // PATCH, (count, 2)) * PATCH
    for image, (top, left) in zip(images[::2], corners[::2], strict=True):
        image[top : top + PATCH, left : left + PATCH] = (np.arange(PATCH) % 4 // 2 * 255)[:, None, None]
    return torch.from_numpy(images), torch.arange(count) % 2 == 0, corners


@pytest.fixture(scope="module")
def taught():
    """A small network that has learned to tell the images with a patch."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    backbone = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
    model = ImageModel(backbone, nn.Linear(16, 1), [0.5] * 3, [0.3] * 3, 16)
    images, there, _ = patches(128, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(25):
        loss = nn.functional.binary_cross_entropy_with_logits(model.train()(images)[:, 0], there.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.slow
def test_it_points_at_the_planted_patch(taught):
    images, there, corners = patches(40, 1)
    assert ((taught.eval()(images)[:, 0] > 0) == there).float().mean() > 0.9
    heat = heat_maps(taught, {"image": images[::2]}, torch.ones(20, 1))
    assert heat.shape == (20, 8, 8) and heat.min() >= 0 and heat.max() == pytest.approx(1)
    hottest = np.stack(np.unravel_index(heat.reshape(20, -1).argmax(axis=1), (8, 8)), axis=1) * 4 + 2
    inside = ((hottest >= corners[::2]) & (hottest < corners[::2] + PATCH)).all(axis=1)
    assert inside.mean() >= 0.85


@pytest.mark.parametrize(
    ("name", "shape"), [("test_resnet", (4, 4)), ("test_vit", None), ("swin_tiny_patch4_window7_224", (7, 7))]
)
def test_the_map_is_the_last_that_tells_where_and_there_is_none_of_tokens(name, shape):
    size = 224 if "swin" in name else 160 if "vit" in name else 64
    args = {"depths": [1, 1, 1, 1], "embed_dim": 12, "num_heads": [1, 2, 3, 6]} if "swin" in name else {}
    config = ImageModelConfig(name=name, args=args)
    model = build_model(config, {**SPEC, "size": size}, problem_of(3), pretrained=False)
    heat = heat_maps(model, {"image": torch.zeros(2, size, size, 3, dtype=torch.uint8)}, torch.ones(2, 3))
    assert heat is None if shape is None else heat.shape == (2, *shape)
