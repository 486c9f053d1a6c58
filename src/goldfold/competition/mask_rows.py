"""Rows whose masks are files: each gets the code of each class, as if its table held run-length codes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from goldfold.competition.decision import Decision
from goldfold.competition.file_kind import kind_of_files
from goldfold.competition.layouts import MaskSize, Shipped
from goldfold.competition.mask_files import ANY, LABEL, MaskFile, masks_of_rows, names_side, without_masks
from goldfold.competition.mask_values import Meaning, codes_of_classes, meaning_of
from goldfold.competition.painted_masks import Painted, all_alike, painted, size_of
from goldfold.competition.row_files import files_of_kind
from goldfold.competition.tables import fields_of
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.masks import MaskForm

PATH = "path"
SHOWN = 5


class MaskedRows(NamedTuple):
    """The rows with a column of codes for each class."""

    shipped: Shipped
    classes: tuple[str, ...]


def with_codes_of_files(config: CompetitionConfig, shipped: Shipped, root: Path, form: MaskForm) -> MaskedRows:
    """Return the rows with the codes of their mask files; those of a test folder, where all images have one, are the solution.

    Raises InputError for files that cannot be read, differ in size or have a value that is no class, and QuestionError for
    images without one, and for values that may mean several things.
    """
    template, name = str(config.masks), shipped.names.targets[-1]
    if config.extras:
        raise InputError("competition.extra takes no mask files", mend="leave it out, or bring run-length codes in tables")
    kind = kind_of_files(config.modality)
    files = [path.as_posix() for path in files_of_kind(root, kind)]
    images = set(without_masks(files, template))
    found = _found(shipped.train, shipped.names.id, files, template)
    _require_one_each(shipped, found, template)
    shipped, found, decisions = _with_all(config, shipped, found, root)
    tested = _found(shipped.test, shipped.names.id, files, template) if shipped.test is not None and names_side(template) else []
    known = sum(map(bool, tested))
    if known < len(tested):
        if known:
            decisions.append(
                Decision("masks of the test set", f"{known} of {len(tested)} images have one", "so there is no solution")
            )
        tested = []
    masks = [file for row in [*found, *tested] for file in row]
    if unused := sorted(set(files) - images - {file.path for file in masks}):
        more = f"{', '.join(unused[:SHOWN])}{' …' if len(unused) > SHOWN else ''}: they are of no image in the training rows"
        decisions.append(Decision("masks: left out", f"{len(unused)} files", more))
    read = _read(root, masks, form)
    meaning = _meaning(config, masks, read, name)
    train = _coded(shipped.train, shipped.names.id, found, read, meaning, form, name)
    solution = None
    if tested and shipped.test is not None:
        solution = _coded(shipped.test, shipped.names.id, tested, read, meaning, form, name)[[shipped.names.id, *meaning.classes]]
        solution[shipped.names.id] = _as_spelt(solution[shipped.names.id], _asked(shipped.sample))
        decisions.append(
            Decision("masks of the test set", f"{len(solution)} images", "the solution for goldfold score, and no input")
        )
    if not train[list(meaning.classes)].to_numpy(dtype=object).astype(bool).any():
        raise InputError("no mask file has a pixel inside", [file.path for file in masks[:1]], "correct competition.masks")
    sizes = {
        key: MaskSize(row[0].path, read[row[0].path].height, read[row[0].path].width)
        for key, row in zip(train[shipped.names.id], found, strict=True)
        if row
    }
    decisions.append(Decision("mask files", f"{len(masks)} by {template}", meaning.why))
    changed = replace(shipped, train=train, solution=solution, mask_sizes=sizes, decisions=[*shipped.decisions, *decisions])
    return MaskedRows(changed, meaning.classes)


def require_fitting(root: Path, ids: Sequence[str], images: Sequence[str], sizes: Mapping[str, MaskSize]) -> None:
    """Raise InputError for mask files that are not as large as the `images` of the rows `ids`, paths below `root`."""
    wrong = []
    for key, image in zip(ids, images, strict=True):
        mask, size = sizes.get(key), size_of(root / image)
        if mask and size and size != (mask.height, mask.width):
            wrong.append(f"{mask.path} has {mask.height} x {mask.width} pixels, and {image} {size[0]} x {size[1]}")
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(ids)} mask files are not as large as their images",
            wrong,
            "give masks of the images' own size, or correct competition.masks or competition.images",
        )


def _found(table: pd.DataFrame, by: str, files: Sequence[str], template: str) -> list[list[MaskFile]]:
    paths = table[PATH] if PATH in table and by == "id" else table[by]
    found = masks_of_rows(table, list(paths), files, template, "the training table")
    # An image is no mask of itself.
    return [[file for file in row if file.path != path] for row, path in zip(found, paths, strict=True)]


def _require_one_each(shipped: Shipped, found: Sequence[Sequence[MaskFile]], template: str) -> None:
    """Raise InputError for files of several images, images with several files of a class that the template does not expect, and
    where none has one."""
    if not any(found):
        raise InputError(
            f"competition.masks: {template} finds the mask file of none of {len(found)} images",
            [f"such as {shipped.train[shipped.names.id].iloc[0]}"],
            "correct it: docs/masks.md says what it may name",
        )
    owners: dict[str, list[str]] = {}
    for key, row in zip(shipped.train[shipped.names.id], found, strict=True):
        for file in row:
            owners.setdefault(file.path, []).append(key)
    if shared := [f"{path}: {', '.join(keys[:SHOWN])}" for path, keys in owners.items() if len(keys) > 1]:
        raise InputError(
            f"{len(shared)} mask files are those of several images by competition.masks: {template}",
            shared,
            "say which one is meant, with {folder}, {above}, {side} or a column in it",
        )
    if ANY in template:
        return
    several = [
        f"{key}: {', '.join(file.path for file in row[:SHOWN])}"
        for key, row in zip(shipped.train[shipped.names.id], found, strict=True)
        if len({file.label for file in row}) < len(row)
    ]
    if several:
        raise InputError(
            f"{len(several)} of {len(found)} images have several mask files by competition.masks: {template}",
            several,
            "say which one is meant, with {folder}, {side} or a column in it; {label} is a class, and * joins several files",
        )


def _with_all(
    config: CompetitionConfig, shipped: Shipped, found: list[list[MaskFile]], root: Path
) -> tuple[Shipped, list[list[MaskFile]], list[Decision]]:
    """The training rows without those whose mask is missing, as competition.mask.missing says, and what was decided.

    Images that the sample submission asks for are test images.
    """
    by, train = shipped.names.id, shipped.train
    asked = _asked(shipped.sample)
    is_test = [not row and bool({key, Path(key).stem} & asked) for key, row in zip(train[by], found, strict=True)]
    decisions = []
    if any(is_test):
        decisions.append(Decision("test images", f"{sum(is_test)} without a mask file", "the sample submission asks for them"))
        found = [row for row, tested in zip(found, is_test, strict=True) if not tested]
        train = train[[not tested for tested in is_test]].reset_index(drop=True)
    lacking = [not row for row in found]
    count, how = sum(lacking), config.mask.missing
    if count and how == "ask":
        raise _without_files(config, shipped, train, lacking, root)
    test = shipped.test
    if count and how != "empty":
        if how == "test" and test is None:
            test = train[lacking].drop(columns=list(shipped.names.targets)).reset_index(drop=True)
        train = train[[not lacks for lacks in lacking]].reset_index(drop=True)
        found = [row for row in found if row]
    if count:
        what = {"empty": "their masks are empty", "drop": "left out", "test": "the test set"}[how]
        decisions.append(Decision("images without a mask file", str(count), f"{what}, as params.yaml says"))
    return replace(shipped, train=train, test=test), found, decisions


def _asked(sample: pd.DataFrame | None) -> set[str]:
    """The images that a sample submission asks for: its ids, and what is before their last _."""
    if sample is None:
        return set()
    ids = sample.iloc[:, 0]
    return {*ids, *ids.str.rpartition("_")[0]}


def _as_spelt(ids: pd.Series, asked: set[str]) -> pd.Series:
    """The ids of test images as a sample submission spells them: without an extension where it has none."""
    return ids.map(lambda key: Path(key).stem if key not in asked and Path(key).stem in asked else key)


def _without_files(
    config: CompetitionConfig, shipped: Shipped, train: pd.DataFrame, lacking: Sequence[bool], root: Path
) -> QuestionError:
    given = config.mask.model_dump(exclude_unset=True)
    replies = [
        Reply("mask", {**given, "missing": "drop"}, "leaves these images out"),
        Reply("mask", {**given, "missing": "empty"}, "there is nothing in these images"),
    ]
    if shipped.test is None and shipped.sample is None:
        replies.append(Reply("mask", {**given, "missing": "test"}, "these images are the test set"))
    names = train[PATH] if PATH in train else train[shipped.names.id]
    return QuestionError(
        f"{sum(lacking)} of {len(train)} images below {root} have no mask file by {config.masks}: what are they?",
        replies,
        [f"no mask file for {name}" for name, lacks in zip(names, lacking, strict=True) if lacks],
    )


def _read(root: Path, masks: Sequence[MaskFile], form: MaskForm) -> dict[str, Painted]:
    """The mask files by their paths; raises InputError for those that cannot be read."""
    read, bad = {}, []
    for file in masks:
        try:
            read[file.path] = painted(root / file.path, form.order)
        except ValueError as error:
            bad.append(f"{file.path}: {error}")
    if bad:
        raise InputError(f"{len(bad)} mask files cannot be read", bad, "replace them, or correct competition.masks")
    return dict(zip(read, all_alike(list(read.values())), strict=True))


def _meaning(config: CompetitionConfig, masks: Sequence[MaskFile], read: dict[str, Painted], name: str) -> Meaning:
    """Which class a value is; where a file's path names its class, whether a pixel is inside."""
    meaning = meaning_of(list(read.values()), config.mask, name)
    if LABEL not in fields_of(str(config.masks)):
        return meaning
    if len(meaning.classes) > 1:
        raise InputError(
            f"{{label}} is a file's class by competition.masks, and files have several values: {', '.join(meaning.classes)}",
            mend="say which are inside: competition.mask.inside_from; or leave {label} out",
        )
    labels = sorted({file.label for file in masks})
    is_numbered = all(label.isdecimal() for label in labels)
    return meaning._replace(classes=tuple(sorted(labels, key=int) if is_numbered else labels))


def _coded(
    table: pd.DataFrame,
    by: str,
    found: Sequence[Sequence[MaskFile]],
    read: dict[str, Painted],
    meaning: Meaning,
    form: MaskForm,
    name: str,
) -> pd.DataFrame:
    """The rows with a column of codes for each class; raises InputError for masks that are none."""
    codes: dict[str, list[str]] = {label: [] for label in meaning.classes}
    wrong = []
    for key, row in zip(table[by], found, strict=True):
        of_row = dict.fromkeys(codes, "")
        try:
            if len({(read[file.path].height, read[file.path].width) for file in row}) > 1:
                raise ValueError("the mask files of one image differ in size")
            for label in {file.label for file in row}:
                files = [read[file.path] for file in row if file.label == label]
                made = codes_of_classes(files, meaning._replace(classes=(name,)) if label else meaning, form)
                of_row |= {label: made[name]} if label else made
        except ValueError as error:
            wrong.append(f"{key}: {row[0].path}: {error}")
        for label, code in of_row.items():
            codes[label].append(code)
    if wrong:
        raise InputError(f"{len(wrong)} masks are none", wrong, "correct these files, or competition.mask")
    own = {label: pd.Series(texts, dtype="str") for label, texts in codes.items()}
    return table.drop(columns=name, errors="ignore").assign(**own)
