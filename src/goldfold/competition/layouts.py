"""A competition's rows, by the layout of its files: tables, or folders of files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from goldfold.competition import contract
from goldfold.competition.decision import Decision
from goldfold.competition.file_kind import kind_of_files
from goldfold.competition.files import Files
from goldfold.competition.folders import LABEL, extra_from_folder, tables_from_folders, tables_of_masks
from goldfold.competition.joins import joined, read_joins
from goldfold.competition.names import ROW, Names, with_ids, with_their_ids, work_out_names
from goldfold.competition.problem import Ids
from goldfold.competition.tables import fields_of, filled, named_alike, require_columns, require_ids
from goldfold.config import CompetitionConfig, FileTemplates
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.tables import TextTable, read_text_table

SHOWN = 8
MASK = "mask"
"""The target where masks are files."""


class MaskSize(NamedTuple):
    """A mask file below the competition's folder, and its size in pixels."""

    path: str
    height: int
    width: int


@dataclass(frozen=True)
class Shipped:
    """The rows that a competition ships, as texts where they are ids or targets.

    `test` is None without a test table or folder, and `extra` is empty where params.yaml names none; `weights` has a weight for
    each of its rows. `templates` has those of a row's file, see `find_row_files`; `source` is the file or folder of the
    training rows, and `tables` are the files as they were read, none for folders; `sample` is the sample submission with its ids,
    which it has as `ids` says. `solution` has the labels of the test rows, where their folders tell, and `separator` is what
    separates the labels of a row where they were lists. `mask_sizes` are those of the training rows' mask files, by id.
    """

    names: Names
    train: pd.DataFrame
    test: pd.DataFrame | None
    extra: pd.DataFrame
    templates: FileTemplates
    source: Path
    decisions: Sequence[Decision]
    sample: pd.DataFrame | None = None
    ids: Ids = "named"
    tables: Sequence[TextTable] = ()
    solution: pd.DataFrame | None = None
    separator: str | None = None
    weights: Array = field(default_factory=lambda: np.ones(0))
    mask_sizes: Mapping[str, MaskSize] = field(default_factory=dict)


def read_shipped(config: CompetitionConfig, files: Files, sample: TextTable | None) -> Shipped:
    """Read the rows of tables, or of folders of files where there is no training table."""
    if config.masks and not config.target:
        config = config.model_copy(update={"target": MASK})
    if files.train is None:
        folders = _from_folders(config, files)
        asked, ids = with_ids(sample, None) if sample is not None else (None, folders.ids)
        return replace(folders, sample=asked.cells if asked else None, ids=ids)
    return _from_tables(config, files, files.train, sample)


def _from_tables(config: CompetitionConfig, files: Files, path: Path, sample: TextTable | None) -> Shipped:
    train = read_text_table(path, config.header, config.encoding)
    test = _as_in_training(read_text_table(files.test, config.header, config.encoding), train) if files.test else None
    extras = [_extra_table(config, files.root / extra.path, train) for extra in config.extras]
    joins = read_joins(config, files.root)
    train, test = joined(train, joins, needed=True), joined(test, joins) if test is not None else None
    extras = [joined(extra, [(key, table) for key, table in joins if set(key) <= {*extra.cells}]) for extra in extras]
    if config.masks and config.target not in train.cells:
        train = replace(train, cells=train.cells.assign(**{str(config.target): ""}))
    train, test, sample, ids = shipped = with_their_ids(train, test, sample)
    names, decisions = work_out_names(config, shipped)
    if names.id == ROW and sample is not None and test is not None and ROW not in test.cells and ids != "order":
        test = replace(test, cells=_with_column(test.cells, ROW, sample.cells.iloc[:, 0].tolist()))
    tables = [table for table in (train, test, *extras) if table is not None]
    rows = _with_ids(train, names, names.targets)
    more, weights = _extra_rows(config, extras, names, rows)
    if names.spread and test is not None and sample is not None:
        test = replace(test, cells=_spread(test.cells, sample.cells.iloc[:, 0], names.parts, train.cells))
    tested = _with_ids(test, names) if test is not None else None
    asked = None if sample is None else sample.cells
    if asked is not None and tested is not None and ids == "order":
        asked = _with_column(asked, names.id, tested[names.id].tolist())
    read = [Decision("file", f"{table.path.name}: {len(table.cells)} rows", _in_words(table)) for table in tables]
    unread = {name: why for table in tables for name, why in table.left_out.items()}
    left_out = [Decision("columns: left out", name, why) for name, why in unread.items()]
    decisions = [*read, *decisions, *left_out]
    return Shipped(names, rows, tested, more, _templates(config), path, decisions, asked, ids, tables, weights=weights)


def _as_in_training(table: TextTable, train: TextTable) -> TextTable:
    """A table with its columns named as the training table's, where they are evidently the same."""
    cells, renamed = named_alike(table.cells, list(train.cells.columns))
    remarks = [f"its column {name} is called {other}, as in {train.path.name}" for name, other in renamed.items()]
    return replace(table, cells=cells, remarks=(*table.remarks, *remarks))


def _in_words(table: TextTable) -> str:
    """What was odd about a table, else its columns."""
    columns = table.cells.columns
    return "; ".join(table.remarks) or f"{len(columns)} columns: {', '.join(columns[:SHOWN])}{' …' * (len(columns) > SHOWN)}"


def _from_folders(config: CompetitionConfig, files: Files) -> Shipped:
    if config.answer_id or (config.pair_id and not config.masks):
        raise InputError("competition.answer_id and pair_id need a training table", mend="write train.csv and test.csv")
    kind = kind_of_files(config.modality)
    tables = tables_of_masks(config, files.root) if config.masks else tables_from_folders(config, files.root)
    target = config.target if isinstance(config.target, str) else LABEL
    train = tables.train.assign(**{target: ""}) if config.masks else tables.train
    require_columns(train.columns, [target], f"the table of the {kind.name} folders", "competition.target")
    for extra in config.extras:
        _require_extra(files.root / extra.path)
    extras = [extra_from_folder(config, files.root, Path(extra.path)) for extra in config.extras]
    what = "are no masks, and not of the test set" if config.masks else "have a label"
    decisions = [
        Decision("layout", f"{kind.name} folders", f"there is no train.csv; {len(train)} {kind.plural} {what}"),
        *tables.decisions,
    ]
    templates = _templates(config)
    if templates == FileTemplates():
        templates = FileTemplates(train="{path}", test="{path}")
    solution = tables.solution if target == LABEL else None
    more = pd.concat(extras, ignore_index=True) if extras else pd.DataFrame()
    weights = _weights(config, extras)
    return Shipped(
        Names("id", (target,)), train, tables.test, more, templates, files.root, decisions, solution=solution, weights=weights
    )


def _templates(config: CompetitionConfig) -> FileTemplates:
    """The templates of the files that the rows have."""
    return config.templates(kind_of_files(config.modality).plural)


def _extra_table(config: CompetitionConfig, path: Path, train: TextTable) -> TextTable:
    """A table of competition.extra, which may lack columns of the training table."""
    _require_extra(path)
    if path.is_dir():
        raise InputError(f"competition.extra: {path} is a folder", mend="name a table like the training table")
    table = _as_in_training(read_text_table(path, config.header, config.encoding), train)
    lacks = [str(name) for name in train.cells if name not in table.cells]
    remarks = [f"{path.name} lacks {', '.join(lacks)} of {train.path.name}"] if lacks else []
    return replace(table, remarks=(*table.remarks, *remarks))


def _extra_rows(
    config: CompetitionConfig, extras: Sequence[TextTable], names: Names, rows: pd.DataFrame
) -> tuple[pd.DataFrame, Array]:
    """The rows of the tables of competition.extra with their ids, which no others have, and the weight of each."""
    tables: list[pd.DataFrame] = []
    for extra in extras:
        if names.id not in extra.cells and not names.parts:
            numbers = [f"{extra.path.stem}_{row}" for row in range(len(extra.cells))]
            extra = replace(extra, cells=_with_column(extra.cells, names.id, numbers))
        more = _with_ids(extra, names, names.targets, "competition.extra")
        require_ids(more, names.id, extra.path)
        for others, where in ((rows, "the training table"), *((table, "another table of competition.extra") for table in tables)):
            _require_apart(more[names.id], others[names.id], extra.path, where)
        tables.append(more)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), _weights(config, tables)


def _weights(config: CompetitionConfig, tables: Sequence[pd.DataFrame]) -> Array:
    """The weight of each row of the tables of competition.extra."""
    return np.repeat([extra.weight for extra in config.extras], [len(table) for table in tables])


def _require_apart(ids: pd.Series, others: pd.Series, path: Path, where: str) -> None:
    """Raise InputError for ids that rows elsewhere have too."""
    shared = sorted(set(ids) & set(others))
    if shared:
        raise InputError(
            f"{path}: {len(shared)} ids are in {where} too",
            shared,
            f"remove these rows if they are the same; if they are others, remove the column {ids.name}, and they are numbered",
        )


def _require_extra(path: Path) -> None:
    if not path.exists():
        raise InputError(f"there is no {path}, which params.yaml names as competition.extra", mend="put it there, or correct it")


def _with_ids(table: TextTable, names: Names, targets: Sequence[str] = (), key: str = "competition") -> pd.DataFrame:
    """The cells of a table with its ids; raises InputError where it lacks a column of them."""
    cells = table.cells
    parts = names.parts or (names.id,)
    if names.tested and not targets:
        cells = cells.assign(**{names.id: cells[names.tested]})
    if names.id not in cells and not names.parts and (targets or names.id == ROW):
        # Rows without an id of their own are numbered.
        cells = _with_column(cells, names.id, [str(row) for row in range(len(cells))])
    require_columns(cells.columns, [*parts, *fields_of(names.template), *targets], str(table.path), key)
    if names.parts:
        ids = contract.joined(cells, names.parts)
        # Training rows may share what identifies a test row, as two visits in one week.
        again = ids.groupby(ids).cumcount()
        apart = ids.where((again == 0) | (not targets), ids + "_" + (again + 1).astype("str"))
        cells = cells.assign(**{names.id: apart})
    if names.answer:
        cells = cells.assign(**{names.answer: filled(cells, names.template)})
    return cells


def _spread(cells: pd.DataFrame, ids: pd.Series, keys: Sequence[str], train: pd.DataFrame) -> pd.DataFrame:
    """The test table with a row for each id, which joins two keys, of the row that has the first.

    Columns that change with the second in training are left out, as their values are those of another row.
    """
    first, second = keys
    changing = train.groupby(first).nunique().max() > 1
    parts = ids.str.rpartition("_")
    rows = pd.DataFrame({first: parts[0], second: parts[2]})
    return rows.merge(cells.drop(columns=[second, *changing.index[changing]], errors="ignore"), on=first, how="left")


def _with_column(cells: pd.DataFrame, name: str, values: Sequence[str]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({name: values}, dtype="str"), cells.drop(columns=name, errors="ignore")], axis=1)
