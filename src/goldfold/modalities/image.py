"""Images: views over the cache of decoded images, and timm's backbones.

A batch leaves a view as uint8; the model normalises it. So the backbone's mean and deviation are applied in one place,
in training, prediction and export alike.
"""

import os
import random
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from goldfold.config import Component, ModelConfig
from goldfold.errors import InputError
from goldfold.imports import named, nearest
from goldfold.metrics import Array
from goldfold.modalities import Inputs, Key
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part

INTERPOLATIONS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def input_spec(model: ModelConfig) -> dict[str, Any]:
    """The side of the square that the network sees, its mean and deviation per channel, and its way to resize."""
    import timm

    resolved = timm.data.resolve_data_config(pretrained_cfg=_pretrained_cfg(model.name), use_test_size=False)
    return {
        "size": model.image_size or resolved["input_size"][1],
        "mean": list(resolved["mean"]),
        "std": list(resolved["std"]),
        "interpolation": resolved["interpolation"] if resolved["interpolation"] in INTERPOLATIONS else "bicubic",
    }


class ImageView:
    """The images of a table as batches of (b, size, size, 3) uint8 RGB: augmented if given `augment`, then resized.

    The random choices of a sample depend on (seed, epoch, row) alone, so they are the same for any number of loader
    processes and after a resume. albumentations' own seeding gives all transforms of a pipeline the same draws.
    """

    def __init__(
        self, prepared: PreparedSet, part: Part, spec: Mapping[str, Any], augment: Sequence[Component] = (), seed: int = 0
    ) -> None:
        self.prepared, self.part, self.seed = prepared, part, seed
        self.size: int = spec["size"]
        self.enlarging = INTERPOLATIONS[spec["interpolation"]]
        self.transform = augmentation(augment) if augment else None

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        batch = np.empty((len(keys), self.size, self.size, 3), np.uint8)
        for place, (epoch, row) in enumerate(keys):
            batch[place] = self._sample(epoch, row)
        rows = torch.tensor([row for _, row in keys])
        return rows, {"image": torch.from_numpy(batch)}

    def _sample(self, epoch: int, row: int) -> Array:
        image = self.prepared.image(self.part, row)
        if self.transform is None:
            return self._resized(image, self.size, self.size)
        # Augmentation sees no fewer pixels than the network will.
        shorter = min(image.shape[:2])
        if shorter < self.size:
            image = self._resized(image, *(-(-side * self.size // shorter) for side in image.shape[:2]))
        draws = np.random.default_rng([self.seed, epoch, row])
        self.transform.set_random_state(draws, random.Random(int(draws.integers(2**63))))
        image = self.transform(image=np.ascontiguousarray(image))["image"]
        return self._resized(image, self.size, self.size)

    def _resized(self, image: Array, height: int, width: int) -> Array:
        if image.shape[:2] == (height, width):
            return image
        shrinking = height < image.shape[0] and width < image.shape[1]
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinking else self.enlarging))


def training_view(prepared: PreparedSet, spec: Mapping[str, Any], augment: Sequence[Component], seed: int) -> ImageView:
    """The training images, augmented and resized."""
    return ImageView(prepared, "train", spec, augment, seed)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any]) -> ImageView:
    """A table's images, resized and nothing else."""
    return ImageView(prepared, part, spec)


def augmentation(components: Sequence[Component]) -> Any:
    """The albumentations pipeline that params.yaml names; raises InputError for a transform or argument it does not know."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    transforms, certain = [], []
    for position, component in enumerate(components):
        key = f"augment.{position}"
        transform = named(component.name, ["albumentations"], f"{key}.name")
        with warnings.catch_warnings():
            # albumentations warns of an argument that it does not know, and goes on without it.
            warnings.simplefilter("error")
            try:
                transforms.append(transform(**component.args))
                certain.append(transform(**{**component.args, "p": 1.0}))
            except (UserWarning, TypeError, ValueError) as error:
                raise InputError(
                    f"params.yaml, {key}: albumentations.{component.name} refused its arguments: {error}",
                    mend=f"correct the arguments under {key} (albumentations {albumentations.__version__})",
                ) from None
    # With every transform certain to apply, one image shows what the pipeline can leave.
    probe = albumentations.Compose(certain)(image=np.zeros((256, 256, 3), np.uint8))["image"]
    if not isinstance(probe, np.ndarray) or probe.dtype != np.uint8 or probe.shape[-1:] != (3,):
        raise InputError(
            "params.yaml, augment: the transforms do not leave an RGB image of bytes",
            mend="leave out Normalize, ToFloat and ToTensorV2: the model normalises by itself",
        )
    return albumentations.Compose(transforms)


class ImageModel(nn.Module):
    """A backbone with its normalisation: from `image`, (b, height, width, 3) uint8 RGB, to logits (b, outputs)."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        # A batch of (height, width, channel) bytes, seen as (channel, height, width), is channels_last already.
        pixels = (image.permute(0, 3, 1, 2).float() - self.mean) / self.std
        logits: torch.Tensor = self.backbone(pixels)
        return logits


def build_model(model: ModelConfig, spec: Mapping[str, Any], outputs: int, pretrained: bool) -> ImageModel:
    """Build timm's `model.name`; with `pretrained`, from the file model.weights or else timm's weights.

    Raises InputError for an unknown name, refused arguments, or weights that are not to be had.
    """
    import timm

    _pretrained_cfg(model.name)
    options: dict[str, Any] = dict(model.args)
    if pretrained and model.weights:
        if not Path(model.weights).is_file():
            raise InputError(f"params.yaml, model.weights: there is no file {model.weights}", mend="correct the path")
        options["pretrained_cfg_overlay"] = {"file": model.weights}
    try:
        backbone = timm.create_model(model.name, pretrained=pretrained, num_classes=outputs, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise InputError(
            f"params.yaml, model: timm refused to build {model.name}: {error}", mend="correct model.args or model.image_size"
        ) from error
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the pretrained weights of {model.name} cannot be loaded: {str(error).splitlines()[0]}",
            mend="go online once, so that timm can download and keep them; or give the file in model.weights; or set "
            "model.pretrained: false",
        ) from error
    if model.freeze_batch_norm:
        backbone = timm.layers.freeze_batch_norm_2d(backbone)
    return ImageModel(backbone, spec["mean"], spec["std"]).to(memory_format=torch.channels_last)


def _pretrained_cfg(name: str) -> dict[str, Any]:
    import timm

    if not timm.is_model(name):
        raise InputError(
            f"params.yaml, model.name: timm has no model {name}{nearest(name, timm.list_models())}",
            mend="give a name that timm.list_models() holds",
        )
    cfg = timm.models.get_pretrained_cfg(name)
    return cfg.to_dict() if cfg else {}
