"""Duplicate images: candidate pairs by a perceptual hash, each confirmed by its pixels."""

from goldfold.modalities.image.alike import find_alike

__all__ = ["find_alike"]
