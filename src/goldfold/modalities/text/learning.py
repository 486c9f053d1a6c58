"""What training and prediction need of texts."""

from goldfold.modalities.text.model import build_model
from goldfold.modalities.text.outside import describe, outside_columns, read_files, read_rows
from goldfold.modalities.text.prepare import show_rows
from goldfold.modalities.text.views import input_spec, mixed, plain_view, training_view

__all__ = [
    "build_model",
    "describe",
    "input_spec",
    "mixed",
    "outside_columns",
    "plain_view",
    "read_files",
    "read_rows",
    "show_rows",
    "training_view",
]
