"""Tables in any file as the texts of their cells, exactly as they are written."""

from goldfold.tables.header import HeaderGuess
from goldfold.tables.reading import ENDINGS, header_guess, header_of, is_table, read_text_table
from goldfold.tables.text import text_cells
from goldfold.tables.text_table import TextTable

__all__ = [
    "ENDINGS",
    "HeaderGuess",
    "TextTable",
    "header_guess",
    "header_of",
    "is_table",
    "read_text_table",
    "text_cells",
]
