"""Views of images with their masks: batches of bytes, augmented or plain."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.files import read_parquet
from goldfold.masks import unpacked
from goldfold.metrics import Array
from goldfold.modalities.image.augmentation import build_augmentation
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.decoding import INTERPOLATIONS, interpolation, resize
from goldfold.modalities.image.learning import Images, square
from goldfold.modalities.image.model import input_spec
from goldfold.modalities.masks.model import build_model
from goldfold.modalities.masks.prepare import MASKS, shipped_sizes
from goldfold.modalities.protocol import SIZE, TARGET, Inputs, Key
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part
from goldfold.scratch import scratch_folder

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]

UNDONE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "HorizontalFlip": lambda maps: maps.flip(3),
    "VerticalFlip": lambda maps: maps.flip(2),
    "Transpose": lambda maps: maps.mT,
}


class Sizes(Protocol):
    """The height and width of images as shipped, by their position."""

    def __getitem__(self, position: int) -> Sequence[int]: ...


class MaskView:
    """Images, from position `first` on, with `masks`, (rows, classes) cells, where they are known; transformed as one, then
    squeezed into a square.

    A batch has the images, (b, side, side, channels) uint8, their sizes as shipped, (b, 2) int64, and their masks,
    (b, classes, side, side) uint8 of 0 to 255: how much of each pixel they cover, for a mask that is shrunk to pixels of 0 and 1
    is too coarse to be enlarged again. The random choices of a sample depend on (seed, epoch, row) alone.
    """

    lengths: Array | None = None

    def __init__(
        self,
        images: Images,
        sizes: Sizes,
        spec: Mapping[str, Any],
        masks: Array | None = None,
        transform: Any = None,
        seed: int = 0,
        first: int = 0,
        change: str | None = None,
    ) -> None:
        self.images, self.sizes, self.masks, self.first, self.seed = images, sizes, masks, first, seed
        self.side, self.channels = int(spec["size"]), int(spec["channels"])
        self.enlarging = INTERPOLATIONS[spec["interpolation"]]
        self.transform, self.change = transform, change

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        images = np.empty((len(keys), self.side, self.side, self.channels), np.uint8)
        classes = 0 if self.masks is None else self.masks.shape[1]
        masks = np.empty((len(keys), classes, self.side, self.side), np.uint8)
        sizes = np.empty((len(keys), 2), np.int64)
        for place, (epoch, row) in enumerate(keys):
            images[place], mask = self._sample(epoch, row)
            if mask is not None:
                masks[place] = mask.transpose(2, 0, 1)
            sizes[place] = self.sizes[self.first + row]
        batch = {"image": torch.from_numpy(images), SIZE: torch.from_numpy(sizes)}
        if self.masks is not None:
            batch[TARGET] = torch.from_numpy(masks)
        return torch.tensor([row for _, row in keys]), batch

    def undone(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of changed images, (b, classes, side, side), as those of the images themselves."""
        return UNDONE[self.change](maps) if self.change else maps

    def _sample(self, epoch: int, row: int) -> tuple[Array, Array | None]:
        """Return an image, (side, side, channels), and its mask, (side, side, classes) of 0 to 255, or None."""
        image = self.images[self.first + row]
        mask = None
        if self.masks is not None:
            mask = np.stack([unpacked(cell).levels for cell in self.masks[row]], axis=2)
        if self.transform is not None:
            image, mask = self._transformed(image, mask, epoch, row)
        squeezed = square(image, self.side, self.enlarging)
        return squeezed, None if mask is None else _squeezed(mask, self.side)

    def _transformed(self, image: Array, mask: Array | None, epoch: int, row: int) -> tuple[Array, Array | None]:
        shorter = min(image.shape[:2])
        if shorter < self.side:
            height, width = (-(-length * self.side // shorter) for length in image.shape[:2])
            image = resize(image, width, height, self.enlarging)
            mask = None if mask is None else _resized(mask, width, height)
        draws = np.random.default_rng([self.seed, epoch, row])
        self.transform.set_random_state(draws, random.Random(int(draws.integers(2**63))))
        both = {"image": np.ascontiguousarray(image)}
        if mask is not None:
            both["mask"] = np.ascontiguousarray(mask)
        try:
            made = self.transform(**both)
        # albumentations raises errors of many kinds.
        except Exception as error:
            raise InputError(
                f"params.yaml: albumentations cannot transform the image and the mask of row {row}, {image.shape[0]} x "
                f"{image.shape[1]} pixels: {error}",
                mend="correct the transforms under augment (or predict.tta), or set model.image_size larger",
            ) from error
        image = made["image"].reshape(*made["image"].shape[:2], self.channels)
        return image, None if mask is None else made["mask"].reshape(*image.shape[:2], mask.shape[2])


def _resized(mask: Array, width: int, height: int) -> Array:
    """Return a mask of 0 to 255, (rows, columns, classes), at another size."""
    how = cv2.INTER_LINEAR if width >= mask.shape[1] else interpolation(min(mask.shape[:2]), min(width, height))
    return np.asarray(cv2.resize(mask, (width, height), interpolation=how)).reshape(height, width, mask.shape[2])


def _squeezed(mask: Array, side: int) -> Array:
    return _resized(mask, side, side) if mask.shape[:2] != (side, side) else mask


def training_view(
    prepared: PreparedSet, _: Array, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
) -> MaskView:
    """Return the training images and their masks, augmented as one."""
    transform = build_augmentation(augment, spec["channels"]) if augment else None
    images = ImageCache.load(prepared.folder)
    # DVC has replaced the file that scratch was linked to by a copy.
    images.share(scratch_folder())
    return MaskView(images, shipped_sizes(images.index), spec, true_masks(prepared), transform, seed)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> MaskView:
    """Return a table's images, of the training table with their masks; with `change` after that transform, always applied."""
    images = ImageCache.load(prepared.folder)
    # The test table's images come after the training table's.
    first, masks = (0, true_masks(prepared)) if part == "train" else (len(prepared.train), None)
    return plain_masks(images, shipped_sizes(images.index), spec, change, first, masks)


def plain_masks(
    images: Images, sizes: Sizes, spec: Mapping[str, Any], change: Component | None, first: int = 0, masks: Array | None = None
) -> MaskView:
    """Return images, from position `first` on, as a model is judged on them and predicts them."""
    transform = build_augmentation([change], spec["channels"], "predict.tta", always=True) if change else None
    return MaskView(images, sizes, spec, masks, transform, first=first, change=change.name if change else None)


def true_masks(prepared: PreparedSet) -> Array:
    """Return the masks of the training rows, (rows, classes) cells of 0 to 255 at the size of the cached images."""
    return read_parquet(prepared.folder / MASKS).to_numpy(dtype=object)
