"""Rows from outside the competition that have a file each: an image, or a sound."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.file_kind import FileKind
from goldfold.competition.row_files import files_of_kind
from goldfold.errors import InputError


def rows_of_files(paths: Sequence[Path], kind: FileKind) -> pd.DataFrame:
    """Return files, and those of a kind in folders, in the column that is called as the kind.

    Raises InputError for missing paths and for folders without such files.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} files or folders are not there", missing, "correct the paths")
    inside = {path: [path / name for name in files_of_kind(path, kind)] for path in paths if path.is_dir()}
    files = [file for path in paths for file in inside.get(path, [path])]
    if not files:
        what = f"there are no {kind.plural} in these folders"
        raise InputError(what, [str(path) for path in paths], f"name {kind.plural} or their folders")
    return pd.DataFrame({kind.name: files}, index=[str(file) for file in files])


def test_rows_with_files(competition: Competition, kind: FileKind) -> pd.DataFrame:
    """Return the test table, with the path of each row's file in the column that is called as the kind."""
    test_only = replace(competition, train=competition.train.iloc[:0])
    paths = pd.Series([competition.root / name for name in test_only.row_files().paths], competition.test.index, object)
    return competition.test.assign(**{kind.name: paths})
