"""What training and prediction need of tables."""

from goldfold.modalities.table.model import build_model
from goldfold.modalities.table.outside import describe, outside_columns, read_files, read_rows
from goldfold.modalities.table.prepare import show_rows
from goldfold.modalities.table.views import input_spec, mixed, plain_view, training_view

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
