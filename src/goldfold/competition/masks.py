"""Masks in tables: the rows of one image, or of one image's classes or instances, become one row with a code per class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

from goldfold.competition.decision import FROM_PARAMS, Decision
from goldfold.competition.layouts import Shipped
from goldfold.competition.mask_rows import with_codes_of_files
from goldfold.competition.tables import fields_of, line, require_columns
from goldfold.config import CompetitionConfig, MaskConfig
from goldfold.errors import InputError
from goldfold.masks import EMPTY, MaskForm, is_code, joined
from goldfold.masks.codes import runs_of

FEWEST_RUNS = 2.0
"""Runs of a text, on average, from which pairs of numbers are run-length codes."""
PAIR = "{id}_{label}"
SHOWN = 20
"""Classes that are shown."""


def form_of(config: MaskConfig) -> MaskForm:
    """Return how masks are written by params.yaml."""
    return MaskForm(config.order, config.start, config.empty, config.per)


def are_codes(texts: pd.Series) -> bool:
    """Whether a column's cells are run-length codes, but for those of empty masks."""
    filled = texts[~texts.isin(EMPTY)]
    are = len(filled) > 0 and bool(filled.map(is_code).all()) and bool((filled.str.count(" ") + 1).mean() >= 2 * FEWEST_RUNS)
    # The runs of other lists of numbers, such as the pixels of an image, would lie over one another.
    return are and bool(filled.map(_are_apart).mean() > 1 / 2)


def _are_apart(code: str) -> bool:
    numbers = [int(number) for number in code.split()]
    runs = sorted(zip(numbers[::2], numbers[1::2], strict=False))
    return all(start + length <= after for (start, length), (after, _) in pairwise(runs))


def asks_for_masks(config: CompetitionConfig, shipped: Shipped) -> bool:
    """Whether masks are predicted: by params.yaml, else by the target's cells."""
    if config.task:
        return config.task == "masks"
    if config.masks:
        return True
    return are_codes(shipped.train[shipped.names.targets[-1]])


def with_masks(config: CompetitionConfig, shipped: Shipped) -> tuple[CompetitionConfig, Shipped]:
    """Return the rows, one for each image, with a code for each class in a target column of its own, and the settings by which
    the sample submission asks for them.

    Raises InputError for what is no run-length code, and for settings that masks do not take.
    """
    _require_plain(config, shipped)
    if config.masks:
        return _with_mask_files(config, shipped)
    names, form, code = shipped.names, form_of(config.mask), shipped.names.targets[-1]
    pair = config.pair_id or (PAIR if config.mask.label else None)
    apart = _by_pair(pair, names.id) if config.pair_id and not config.mask.label else None
    label = config.mask.label or ("label" if apart else None)
    if config.mask.label:
        require_columns(shipped.train.columns, [config.mask.label], str(shipped.source), "competition.mask.label")
    rows = apart(shipped.train) if apart else shipped.train
    classes = _classes(config, rows[label], code) if label else (code,)
    train = joined_rows(rows, names.id, code, label, classes, form, shipped.source)
    extra = shipped.extra
    if len(extra):
        extra = joined_rows(apart(extra) if apart else extra, names.id, code, label, classes, form, shipped.source)
    count = f"{len(shipped.train)} rows of {len(train)} images" if len(train) < len(shipped.train) else f"{len(train)} images"
    of = f", {len(classes)} classes" if label else ""
    empty = int((train[list(classes)] == "").to_numpy().all(axis=1).sum())
    decision = Decision("masks", count + of, f"{code} holds run-length codes; {empty} images have an empty mask")
    read = [code, *([label] if label else [])]
    tables = [replace(table, cells=table.cells.drop(columns=read, errors="ignore")) for table in shipped.tables]
    changed = replace(shipped, train=train, extra=extra, tables=tables, decisions=[*shipped.decisions, decision])
    return _as_asked(config, changed, classes, pair)


def _with_mask_files(config: CompetitionConfig, shipped: Shipped) -> tuple[CompetitionConfig, Shipped]:
    """The rows with the codes of their mask files; those of several classes are asked for by rows, or by columns."""
    shipped, classes = with_codes_of_files(config, shipped, Path(config.path), form_of(config.mask))
    code, sample = shipped.names.targets[-1], shipped.sample
    by_column = sample is not None and set(classes) <= set(sample.columns)
    pair = config.pair_id or (PAIR if len(classes) > 1 and not by_column else None)
    empty = int((shipped.train[list(classes)] == "").to_numpy().all(axis=1).sum())
    count = f"{len(shipped.train)} images" + (
        f", {len(classes)} classes: {', '.join(classes[:SHOWN])}" if len(classes) > 1 else ""
    )
    tables = [replace(table, cells=table.cells.drop(columns=code, errors="ignore")) for table in shipped.tables]
    decisions = [*shipped.decisions, Decision("masks", count, f"{empty} images have an empty mask")]
    shipped = replace(shipped, tables=tables, decisions=decisions)
    if sample is not None and not tables:
        # The sample submission's ids are the test set, whatever else lies in the test folder.
        shipped = replace(shipped, test=None)
    return _as_asked(config, shipped, classes, pair)


def _as_asked(
    config: CompetitionConfig, shipped: Shipped, classes: Sequence[str], pair: str | None
) -> tuple[CompetitionConfig, Shipped]:
    """The rows with a target for each class, and the settings by which the sample submission asks for them."""
    names, sample, test, keys = shipped.names, shipped.sample, shipped.test, shipped.names.keys
    if sample is not None and config.mask.label in sample.columns:
        keys = (str(sample.columns[0]), str(config.mask.label))
    if sample is not None and pair and test is None:
        asked = sample.rename(columns={sample.columns[0]: names.id})[[names.id]]
        # The ids of a sample submission without the column of classes name them.
        images = asked if config.mask.label in sample.columns else _by_pair(pair, names.id)(asked)
        test = images[[names.id]].drop_duplicates(ignore_index=True)
    if sample is not None and config.mask.per == "instance":
        sample = sample.drop_duplicates(list(keys) or [sample.columns[0]], ignore_index=True)
    changed = replace(shipped, names=replace(names, targets=tuple(classes), keys=keys), test=test, sample=sample)
    return config.model_copy(update={"task": "masks", "pair_id": pair, "classes": None}), changed


def why_masks(config: CompetitionConfig) -> str:
    """Return why the task is masks."""
    if config.task:
        return FROM_PARAMS
    return "competition.masks names mask files" if config.masks else "the target holds run-length codes"


def joined_rows(
    rows: pd.DataFrame, by: str, code: str, label: str | None, classes: Sequence[str], form: MaskForm, source: Path
) -> pd.DataFrame:
    """Return one row for each id, in the order of its first, with the code of each class; raises InputError for other texts."""
    bad = {position: why for position, text in enumerate(rows[code]) if (why := _wrong(text, form))}
    if bad:
        raise InputError(
            f"{source}: values of {code} that are no run-length codes: {len(bad)}",
            [f"{line(position)}: {rows[code].iloc[position][:60]!r}: {why}" for position, why in bad.items()],
            "correct them, or competition.mask (order, start), target or task",
        )
    if label:
        _require_known(rows, label, code, classes, source)
    first = rows.drop_duplicates(by, ignore_index=True).drop(columns=[code, *([label] if label else [])])
    codes = {name: dict.fromkeys(first[by], "") for name in classes}
    for (image, name), part in rows.groupby([rows[by], rows[label] if label else pd.Series(code, rows.index)])[code]:
        if name in codes:
            codes[name][image] = joined(part, form)
    return first.assign(**{name: pd.Series(list(by_image.values()), dtype="str") for name, by_image in codes.items()})


def solution_of_masks(cells: pd.DataFrame, ids: pd.Series, targets: Sequence[str], form: MaskForm, source: Path) -> pd.DataFrame:
    """Return the codes of a solution in columns `targets`, one row for each id."""
    rows = cells[list(targets)].assign(**{str(ids.name): ids.to_numpy()})
    parts = [joined_rows(rows, str(ids.name), target, None, [target], form, source) for target in targets]
    return pd.concat([parts[0][[str(ids.name)]], *(part[[target]] for part, target in zip(parts, targets, strict=True))], axis=1)


def _wrong(text: str, form: MaskForm) -> str | None:
    try:
        runs_of(text, form)
    except ValueError as error:
        return str(error)
    return None


def _classes(config: CompetitionConfig, labels: pd.Series, code: str) -> tuple[str, ...]:
    """The classes of masks: those of params.yaml, or those of the table in order."""
    seen = [label for label in labels.unique() if label]
    numbered = all(label.isdecimal() for label in seen)
    classes = config.classes or tuple(sorted(seen, key=int) if numbered else sorted(seen))
    unknown = sorted(set(seen) - set(classes))
    if unknown:
        raise InputError(f"classes of {code} that are not in competition.classes: {len(unknown)}", unknown, "add them")
    return classes


def _require_known(rows: pd.DataFrame, label: str, code: str, classes: Sequence[str], source: Path) -> None:
    """Raise InputError where a mask is of none of the classes."""
    lost = (~rows[label].isin(classes) & ~rows[code].isin(EMPTY)).to_numpy().nonzero()[0]
    if len(lost):
        raise InputError(
            f"{source}: masks of no class, or of one that training does not have: {len(lost)}",
            [f"{line(position)}: {label} is {rows[label].iloc[position]!r}" for position in lost.tolist()],
            "correct them, or leave these rows out",
        )


def _by_pair(template: str | None, by: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A function that splits ids such as a.jpg_1 into the image's, and the class in a column `label`."""
    between = str(template).removeprefix("{id}").removesuffix("{label}")
    if set(fields_of(str(template))) != {"id", "label"} or not between or "{" in between:
        raise InputError(
            f"params.yaml, competition.pair_id: {template} does not say where an image's id ends and its class begins",
            mend="write it as {id}_{label}",
        )

    def split(table: pd.DataFrame) -> pd.DataFrame:
        parts = table[by].str.rpartition(between)
        if (whole := (parts[1] == "").to_numpy().nonzero()[0]).size:
            raise InputError(
                f"ids that do not name a class, {template}: {len(whole)}",
                [f"{line(position)}: {table[by].iloc[position]}" for position in whole.tolist()],
                "correct them, or competition.pair_id",
            )
        return table.assign(**{by: parts[0], "label": parts[2]})

    return split


def _require_plain(config: CompetitionConfig, shipped: Shipped) -> None:
    """Raise InputError for settings that have no meaning for masks."""
    set_ones: Mapping[str, object] = {
        "answer_id": config.answer_id,
        "labels": config.labels,
        "classes": config.classes and not (config.mask.label or config.pair_id),
    }
    wrong = [key for key, value in set_ones.items() if value]
    if wrong:
        raise InputError(f"params.yaml, competition.{wrong[0]} does not apply to masks", mend="leave it out")
    if len(shipped.names.targets) > 1 and not config.mask.label:
        raise InputError(
            f"masks are in one column, and competition.target names {', '.join(shipped.names.targets)}",
            mend="name the column of run-length codes in target, and that of classes in mask.label",
        )
