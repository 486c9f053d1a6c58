"""What a competition's files mean: for every column its kind, and how a cell becomes a value."""

from goldfold.schema.column import Column, as_numbers
from goldfold.schema.kinds import work_out_column
from goldfold.schema.schema import Schema, work_out_schema

__all__ = ["Column", "Schema", "as_numbers", "work_out_column", "work_out_schema"]
