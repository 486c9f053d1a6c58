"""The albumentations pipeline that params.yaml names."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.imports import trusted


def build_augmentation(components: Sequence[Component], channels: int = 3, section: str = "augment", always: bool = False) -> Any:
    """Build the pipeline of a section of params.yaml; with `always`, each of its transforms applies to every image.

    Raises InputError for an unknown transform and refused arguments.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    transforms, certain = [], []
    for position, component in enumerate(components):
        key = f"{section}.{position}"
        transform = trusted(component.name, ["albumentations"], f"{key}.name", albumentations.core.serialization.Serializable)
        with warnings.catch_warnings():
            # albumentations warns of an unknown argument and ignores it.
            warnings.simplefilter("error")
            try:
                transforms.append(transform(**component.args))
                certain.append(transform(**{**component.args, "p": 1.0}))
            except Exception as error:  # albumentations raises errors of many kinds
                raise InputError(
                    f"params.yaml, {key}: albumentations.{component.name} refused its arguments: {error}",
                    mend=f"correct the arguments under {key} (albumentations {albumentations.__version__})",
                ) from None
    _require_bytes(albumentations.Compose(certain), channels, section)
    return albumentations.Compose(certain if always else transforms)


def _require_bytes(certain: Any, channels: int, section: str) -> None:
    """Raise InputError unless the pipeline, all transforms applied, returns a uint8 image with its number of channels."""
    try:
        probe = certain(image=np.zeros((256, 256, channels), np.uint8))["image"]
    except Exception as error:  # albumentations, and OpenCV below it, raise errors of many kinds
        raise InputError(
            f"params.yaml, {section}: the transforms cannot take images of {channels} channels: {error}",
            mend="leave out transforms of colour, or set prepare.channels: 3",
        ) from None
    shape = (*probe.shape, 1)[:3] if isinstance(probe, np.ndarray) else ()
    if not shape or probe.dtype != np.uint8 or shape[2] != channels:
        raise InputError(
            f"params.yaml, {section}: the transforms do not return an image of bytes with {channels} channels",
            mend="leave out Normalize, ToFloat and ToTensorV2: the model normalises by itself",
        )
