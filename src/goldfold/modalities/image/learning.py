"""Views of images: batches of bytes, augmented or plain."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.image.augmentation import build_augmentation
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.decoding import INTERPOLATIONS, interpolation, resize, scaled
from goldfold.modalities.image.model import build_model, input_spec
from goldfold.modalities.protocol import Inputs, Key
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part
from goldfold.scratch import scratch_folder

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]


class Images(Protocol):
    """Images by their position, (height, width, channels) uint8."""

    def __getitem__(self, position: int) -> Array: ...


class ImageView:
    """Images, from position `first` on, as batches of (b, side, side, channels) uint8, transformed by albumentations' pipeline
    `transform` if there is one, then resized.

    The random choices of a sample depend on (seed, epoch, row) alone, so they are the same for any number of loader
    processes and after a resume; albumentations' own seeding would give all transforms of a pipeline the same draws. `sides`
    has the side in each epoch, the last of them for all later ones; `crop` is that of `square`.
    """

    lengths: Array | None = None

    def __init__(
        self,
        images: Images,
        spec: Mapping[str, Any],
        transform: Any = None,
        seed: int = 0,
        sides: Sequence[int] = (),
        first: int = 0,
        crop: float | None = None,
    ) -> None:
        self.images, self.first, self.seed = images, first, seed
        self.sides = list(sides) or [int(spec["size"])]
        self.channels: int = spec["channels"]
        self.enlarging = INTERPOLATIONS[spec["interpolation"]]
        self.crop = crop
        self.transform = transform

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        side = self.sides[min(keys[0][0], len(self.sides) - 1)]
        batch = np.empty((len(keys), side, side, self.channels), np.uint8)
        for index, (epoch, row) in enumerate(keys):
            batch[index] = self._sample(epoch, row, side)
        rows = torch.tensor([row for _, row in keys])
        return rows, {"image": torch.from_numpy(batch)}

    def _sample(self, epoch: int, row: int, side: int) -> Array:
        image = self.images[self.first + row]
        if self.transform is None:
            return square(image, side, self.enlarging, self.crop)
        # Augmentation sees at least as many pixels as the network.
        shorter = min(image.shape[:2])
        if shorter < side:
            height, width = (-(-length * side // shorter) for length in image.shape[:2])
            image = resize(image, width, height, self.enlarging)
        draws = np.random.default_rng([self.seed, epoch, row])
        self.transform.set_random_state(draws, random.Random(int(draws.integers(2**63))))
        try:
            image = self.transform(image=np.ascontiguousarray(image))["image"]
        # albumentations raises errors of many kinds.
        except Exception as error:
            raise InputError(
                f"params.yaml: albumentations cannot transform the image of row {row}, {image.shape[0]} x {image.shape[1]} "
                f"pixels: {error}",
                mend="correct the transforms under augment (or predict.tta), or set model.image_size larger",
            ) from error
        return square(image.reshape(*image.shape[:2], self.channels), side, self.enlarging, self.crop)


def square(image: Array, side: int, enlarging: int, crop: float | None = None) -> Array:
    """Return the image as (side, side, channels): squeezed, or with `crop` its centre, that share of the shorter side wide."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    goal = int(side / crop) if crop else side
    sides = scaled(image, goal) if crop else (side, side)
    if (height, width) != sides:
        image = resize(image, sides[1], sides[0], enlarging if goal >= shorter else interpolation(shorter, goal))
    top, left = (sides[0] - side) // 2, (sides[1] - side) // 2
    return image[top : top + side, left : left + side]


def training_view(
    prepared: PreparedSet, _: Array, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
) -> ImageView:
    """Return the training images, augmented and resized; the epochs are divided among the progressive sizes."""
    sizes = [*spec["progressive_sizes"], spec["size"]]
    sides = [sizes[epoch * len(sizes) // epochs] for epoch in range(epochs)]
    transform = build_augmentation(augment, spec["channels"]) if augment else None
    images = ImageCache.load(prepared.folder)
    # DVC has replaced the file that scratch was linked to by a copy.
    images.share(scratch_folder())
    return ImageView(images, spec, transform, seed, sides)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> ImageView:
    """Return a table's images, resized or cropped; with `change` after that transform, which always applies."""
    # The test table's images come after the training table's.
    return plain_images(ImageCache.load(prepared.folder), spec, change, first=0 if part == "train" else len(prepared.train))


def plain_images(images: Images, spec: Mapping[str, Any], change: Component | None = None, first: int = 0) -> ImageView:
    """Return images, from position `first` on, as a model is judged on them and predicts them."""
    transform = build_augmentation([change], spec["channels"], "predict.tta", always=True) if change else None
    return ImageView(images, spec, transform, first=first, crop=spec["crop"])
