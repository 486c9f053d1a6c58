"""Blends: one result made of several, with weights or a stack, scored by nested cross-validation."""

from goldfold.blending.blended import Blend, blend
from goldfold.blending.level_one import LevelOne, gather
from goldfold.blending.settings import BlendSettings, Method, default_scale

__all__ = ["Blend", "BlendSettings", "LevelOne", "Method", "blend", "default_scale", "gather"]
