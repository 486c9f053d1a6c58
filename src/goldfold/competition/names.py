"""Which columns are ids and targets, worked out from the tables' headers."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from goldfold.competition.files import Files
from goldfold.competition.tables import columns_of, read_table, require_columns
from goldfold.competition.task import FROM_PARAMS, Decision
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError

ROW = "row_number"
"""The id column of a table without one."""


@dataclass(frozen=True)
class Names:
    """The columns of ids and targets.

    `id` identifies a row; where several columns do, it joins these `parts`, of which the sample submission has the `keys`.
    `answer` identifies an answer that several rows may share, and `template` makes it of other columns.
    """

    id: str
    targets: tuple[str, ...]
    parts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    answer: str | None = None
    template: str = ""


def work_out_names(config: CompetitionConfig, files: Files, train_path: Path) -> tuple[Names, list[Decision]]:
    """Work out the id and target columns from the headers alone; raises InputError where they are ambiguous."""
    columns = columns_of(train_path, config.header)
    sample = columns_of(files.sample) if files.sample else []
    test = columns_of(files.test, config.header) if files.test else []

    names = _id_names(config, columns, sample, test)
    require_columns(columns, names.parts or (names.id,), str(train_path), "competition.id")
    if files.test:
        require_columns(test, names.parts or (names.id,), str(files.test), "competition.id")
    why = FROM_PARAMS if config.id else "the first column of the sample submission or table"
    if not (config.id or sample or test) and not _could_be_ids(read_table(train_path, [names.id], config.header)[names.id]):
        names, why = replace(names, id=ROW), "no column could be the id: the rows are numbered"
    decisions = [Decision("id", names.id, why)]
    asked = [name for name in sample if name not in names.keys] if names.keys else sample[1:]

    if config.target:
        targets = (config.target,) if isinstance(config.target, str) else config.target
        why = FROM_PARAMS
    elif asked and all(name in columns for name in asked):
        targets, why = tuple(asked), "the columns that the sample submission asks for"
    else:
        reserved = {names.id, *names.parts, *test}
        candidates = [name for name in columns if name not in reserved]
        if len(candidates) != 1:
            raise InputError(
                f"{train_path}: which column is the target? {len(candidates)} could be it",
                candidates,
                "name it in params.yaml, competition.target",
            )
        targets, why = tuple(candidates), "the only column that the test table does not have"
    require_columns(columns, targets, str(train_path), "competition.target")
    return replace(names, targets=targets), [*decisions, Decision("target", ", ".join(targets), why)]


def _could_be_ids(values: pd.Series) -> bool:
    """Whether values, as texts, are all different and not fractions."""
    return bool(values.is_unique and not values.str.fullmatch(r"-?\d*\.\d+").any())


def _id_names(config: CompetitionConfig, columns: list[str], sample: list[str], test: list[str]) -> Names:
    """The columns that identify rows and answers."""
    if config.answer_id and not config.id:
        raise InputError(
            "params.yaml: competition.answer_id says which rows share an answer, but no column identifies a row",
            mend="name the column with a unique id per row in competition.id",
        )
    answer = config.answer_id and (config.answer_id if "{" not in config.answer_id else (*sample, "answer_id")[0])
    template = config.answer_id or ""
    shared = Names("", (), answer=answer, template=template if "{" in template or not template else f"{{{template}}}")
    if isinstance(config.id, tuple):
        keys = config.id if set(config.id) <= set(sample) else ()
        return replace(shared, id="_".join(config.id), parts=config.id, keys=keys)
    return replace(shared, id=config.id or next((name for name in sample[:1] + test[:1] if name in columns), columns[0]))
