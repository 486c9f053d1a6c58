"""A competition's rows, by the layout of its files: tables, or folders of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.competition import contract
from goldfold.competition.files import Files
from goldfold.competition.folders import LABEL, extra_from_folders, tables_from_folders
from goldfold.competition.names import ROW, Names, work_out_names
from goldfold.competition.tables import fields_of, filled, read_table, require_columns, require_ids
from goldfold.competition.task import Decision
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError


@dataclass(frozen=True)
class Shipped:
    """The rows that a competition ships, as texts where they are ids or targets.

    `test` is None without a test table or folder, and `extra` is empty where params.yaml names none. `images` is the
    template of a row's image, see `find_images`; `source` is the file or folder of the training rows.
    """

    names: Names
    train: pd.DataFrame
    test: pd.DataFrame | None
    extra: pd.DataFrame
    images: str | None
    source: Path
    decisions: Sequence[Decision]


def read_shipped(config: CompetitionConfig, files: Files) -> Shipped:
    """Read the rows of tables, or of folders of images where there is no training table."""
    return _from_folders(config, files) if files.train is None else _from_tables(config, files, files.train)


def _from_tables(config: CompetitionConfig, files: Files, path: Path) -> Shipped:
    names, decisions = work_out_names(config, files, path)
    train = _read_rows(path, names, names.targets, header=config.header)
    test = _read_rows(files.test, names, header=config.header) if files.test else None
    extra = _extra_table(files.root / config.extra, names, train) if config.extra else pd.DataFrame()
    return Shipped(names, train, test, extra, config.images, path, decisions)


def _from_folders(config: CompetitionConfig, files: Files) -> Shipped:
    if config.answer_id or config.pair_id:
        raise InputError("competition.answer_id and pair_id need a training table", mend="write train.csv and test.csv")
    train, test = tables_from_folders(config, files.root)
    target = config.target if isinstance(config.target, str) else LABEL
    require_columns(train.columns, [target], "the table of the image folders", "competition.target")
    if config.extra:
        _require_extra(files.root / config.extra)
    extra = extra_from_folders(config, files.root) if config.extra else pd.DataFrame()
    decisions = [Decision("layout", "image folders", f"there is no train.csv; {len(train)} images have a label")]
    return Shipped(Names("id", (target,)), train, test, extra, config.images or "{path}", files.root, decisions)


def _extra_table(path: Path, names: Names, train: pd.DataFrame) -> pd.DataFrame:
    """The rows of competition.extra, whose ids the training table must not have."""
    _require_extra(path)
    if path.is_dir():
        raise InputError(f"competition.extra: {path} is a folder", mend="name a table like the training table")
    extra = _read_rows(path, names, names.targets, "competition.extra")
    require_ids(extra, names.id, path)
    shared = sorted(set(extra[names.id]) & set(train[names.id]))
    if shared:
        raise InputError(
            f"{path}: {len(shared)} ids are in the training table too", shared, "remove these rows, or give them other ids"
        )
    return extra


def _require_extra(path: Path) -> None:
    if not path.exists():
        raise InputError(f"there is no {path}, which params.yaml names as competition.extra", mend="put it there, or correct it")


def _read_rows(
    path: Path, names: Names, targets: Sequence[str] = (), key: str = "competition", header: bool = True
) -> pd.DataFrame:
    """Read a table with its ids; raises InputError where it lacks a column of them."""
    parts = [*(names.parts or (names.id,)), *fields_of(names.template)]
    table = read_table(path, [*parts, *targets], header)
    if names.id == ROW and ROW not in table:
        table.insert(0, ROW, pd.Series(range(len(table))).astype("str"))
    require_columns(table.columns, [*parts, *targets], str(path), key)
    if names.parts:
        table[names.id] = contract.joined(table, names.parts)
    if names.answer:
        table[names.answer] = filled(table, names.template)
    return table
