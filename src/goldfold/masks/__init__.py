"""Masks of images: run-length codes, as competitions write them, and compressed probabilities, as models predict them.

The truth is an array of codes, (rows, classes), and so is an answer. A prediction is an array of cells, (rows, classes), each the
compressed probabilities of one image's pixels. Both are arrays of objects, which are sliced, joined and kept in tables as numbers
are; `overlaps` turns the two into numbers that metrics take.
"""

from goldfold.masks.codes import EMPTY, MaskForm, areas, code_of, is_code, joined, mask_of_code
from goldfold.masks.levels import Cell, averaged, cut, packed, unpacked
from goldfold.masks.overlap import at_thresholds, levels, overlaps

__all__ = [
    "EMPTY",
    "Cell",
    "MaskForm",
    "areas",
    "at_thresholds",
    "averaged",
    "code_of",
    "cut",
    "is_code",
    "joined",
    "levels",
    "mask_of_code",
    "overlaps",
    "packed",
    "unpacked",
]
