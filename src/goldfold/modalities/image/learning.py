"""What training and prediction need of images."""

from goldfold.modalities.image.grad_cam import heat_maps
from goldfold.modalities.image.model import build_model, input_spec
from goldfold.modalities.image.outside import describe, outside_columns, read_files, read_rows
from goldfold.modalities.image.prepare import show_rows
from goldfold.modalities.image.views import mixed, plain_view, training_view

__all__ = [
    "build_model",
    "describe",
    "heat_maps",
    "input_spec",
    "mixed",
    "outside_columns",
    "plain_view",
    "read_files",
    "read_rows",
    "show_rows",
    "training_view",
]
