"""The albumentations pipeline that params.yaml names."""

from goldfold.modalities.image.augmentation import build_augmentation

__all__ = ["build_augmentation"]
