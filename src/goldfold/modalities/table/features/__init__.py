"""Columns made of other columns, inside the fold: each kind of entry in `prepare.features` is a module here.

An entry learns from the training rows of a fold; what it learned is JSON, by which it makes its columns of any row. steps.py
has them follow one another; entries.py is what params.yaml says.
"""
