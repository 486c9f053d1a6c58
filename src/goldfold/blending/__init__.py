"""Blends: one result made of several, with weights or a stack, scored by nested cross-validation."""

from goldfold.blending.blended import Blend, BlendSettings, Method, blend

__all__ = ["Blend", "BlendSettings", "Method", "blend"]
