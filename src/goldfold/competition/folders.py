"""Competitions without a training table: the labels are folders, or parts of the file names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from goldfold.competition.decision import Decision
from goldfold.competition.file_kind import FileKind, kind_of_files
from goldfold.competition.row_files import files_of_kind
from goldfold.competition.sides import Side, side_of
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError

LABEL = "label"


@dataclass(frozen=True)
class FolderTables:
    """The tables of a competition of folders.

    Columns: `id` (the file's name), `path`, the named groups of `competition.file_pattern`, and for training rows `label`: the
    group of that name, else the folder that holds the image. `test` is None without a test folder, and `solution` (id and
    label) without one whose images lie in the folders of their classes.
    """

    train: pd.DataFrame
    test: pd.DataFrame | None
    solution: pd.DataFrame | None
    decisions: tuple[Decision, ...]


def tables_from_folders(config: CompetitionConfig, root: Path) -> FolderTables:
    """Return the tables of a folder of files, split by folders such as Training and Test at any depth, or not at all.

    Validation files are training rows, or the test set where there is no other. Raises InputError where there are no files,
    and for training files without a label.
    """
    kind = kind_of_files(config.modality)
    shipped = files_of_kind(root, kind)
    shipped = [path for path in shipped if not any(path.is_relative_to(extra.path) for extra in config.extras)]
    if not shipped:
        raise InputError(
            f"{root} has neither a training table nor {kind.plural}",
            [f"it holds {', '.join(sorted(path.name for path in root.iterdir())[:20]) or 'nothing'}"],
            f"point competition.path to the folder with train.csv or with a folder of {kind.plural} per class; or name the "
            "training table in competition.train (in goldfold init: train=NAME), whatever it ends with",
        )
    files = _without_copies(root, shipped)
    parts, decisions = _train_and_test(files, kind)
    if len(files) < len(shipped):
        copies = f"{len(shipped) - len(files)} {kind.plural} left out"
        decisions.append(Decision("copies", copies, "a folder repeats those above it"))
    train = _table(list(parts["train"]), config.file_pattern, kind)
    if LABEL not in train:
        _require_labels(root, parts["train"], kind)
        train[LABEL] = list(parts["train"].values())
    if "test" not in parts:
        return FolderTables(train, None, None, tuple(decisions))
    test, solution = _table(list(parts["test"]), config.file_pattern, kind, labelled=False), None
    labels = list(parts["test"].values())
    if config.file_pattern is None and set(labels) <= set(train[LABEL]):
        solution = test[["id"]].assign(**{LABEL: labels})
        why = "its class folders are no input; they are the solution for goldfold score"
        decisions.append(Decision("test set", f"{len(test)} {kind.plural} with their labels", why))
    return FolderTables(train, test, solution, tuple(decisions))


def tables_of_masks(config: CompetitionConfig, root: Path) -> FolderTables:
    """Return the tables of a folder of images and their mask files, split by folders such as Training and Test, or not at all.

    Columns: `id` (the file's name) and `path`. Raises InputError where there are no images beside the mask files.
    """
    kind = kind_of_files(config.modality)
    images = files_of_kind(root, kind, config.masks)
    if not images:
        raise InputError(
            f"{root} has neither a training table nor {kind.plural} that are no masks by competition.masks, {config.masks}",
            mend="correct it, or name the training table in competition.train",
        )
    parts, decisions = _train_and_test(_without_copies(root, images), kind)
    test = _table(list(parts["test"]), None, kind) if "test" in parts else None
    return FolderTables(_table(list(parts["train"]), None, kind), test, None, tuple(decisions))


def extra_from_folder(config: CompetitionConfig, root: Path, folder: Path) -> pd.DataFrame:
    """The table of the training files in a folder of competition.extra, as `tables_from_folders` makes it.

    Their ids are their paths, so that they are not taken for files of the competition.
    """
    table = tables_from_folders(config.model_copy(update={"extra": None}), root / folder).train
    paths = [str(folder / path) for path in table["path"]]
    return table.assign(id=paths, path=paths)


Labelled = dict[Path, str]
"""Files, each with the class folder that holds it; an empty one where it is in none."""


def _train_and_test(files: Sequence[Path], kind: FileKind) -> tuple[dict[Literal["train", "test"], Labelled], list[Decision]]:
    """The training files and, where there are any, the test files, and what was decided."""
    sides: dict[Side | None, list[tuple[Path, Sequence[str]]]] = {}
    for path in files:
        folders = path.parts[:-1]
        named = [(at, side) for at, folder in enumerate(folders) if (side := side_of(folder))]
        at, side = named[0] if named else (-1, None)
        sides.setdefault(side, []).append((path, folders[at + 1 :]))
    labelled = {side: _by_class(found) for side, found in sides.items()}
    train = labelled.pop("train", None) or labelled.pop(None, None) or labelled.pop("validation", {})
    test, validation = labelled.pop("test", None), labelled.pop("validation", None)
    decisions = []
    if validation and test:
        train = {**train, **validation}
        why = "training rows too, as they have a label"
        decisions.append(Decision("validation folder", f"{len(validation)} {kind.plural}", why))
    elif validation:
        test = validation
        why = "the test set, as there is no other; in the training folder they would be training rows"
        decisions.append(Decision("validation folder", f"{len(validation)} {kind.plural}", why))
    if test is None:
        test = labelled.pop("prediction", None)
    for side, others in labelled.items():
        what = "folder of predictions" if side else "other folders"
        example = next(iter(others)).as_posix()
        why = f"neither in the training nor in the test folder, as {example}"
        decisions.append(Decision(what, f"{len(others)} {kind.plural} left out", why))
    parts: dict[Literal["train", "test"], Labelled] = {"train": train}
    return ({**parts, "test": test} if test else parts), decisions


def _by_class(files: Sequence[tuple[Path, Sequence[str]]]) -> Labelled:
    """Files, each with its first folder that is not the same for all, or the last that is."""
    depth = 0
    below = [folders for _, folders in files]
    while len({folders[depth : depth + 1] for folders in below}) == 1 and min(map(len, below)) > depth + 1:
        depth += 1
    return {path: (*folders[depth:], "")[0] for path, folders in files}


def _require_labels(root: Path, train: Labelled, kind: FileKind) -> None:
    loose = [str(path) for path, label in train.items() if not label]
    if loose:
        raise InputError(
            f"{len(loose)} of {len(train)} training {kind.plural} below {root} are in no class folder",
            loose,
            "put them into one folder per class, give competition.train (a table), or say in competition.file_pattern "
            rf"how the label is read from a file's name, such as (?P<label>cat|dog)\.\d+\{kind.usual}",
        )


def _without_copies(root: Path, files: Sequence[Path]) -> list[Path]:
    """The files without those of a folder that repeats the folder above it, file by file."""
    there = set(files)
    repeated: dict[tuple[str, ...], bool] = {}
    for path in files:
        for at in range(len(path.parts) - 1):
            above = Path(*path.parts[:at], *path.parts[at + 1 :])
            same = above in there and (root / above).stat().st_size == (root / path).stat().st_size
            repeated[path.parts[: at + 1]] = repeated.get(path.parts[: at + 1], True) and same
    return [path for path in files if not any(repeated[path.parts[: at + 1]] for at in range(len(path.parts) - 1))]


def _table(files: list[Path], pattern: str | None, kind: FileKind, labelled: bool = True) -> pd.DataFrame:
    names = [path.name for path in files]
    ids = names if len(set(names)) == len(names) else [str(path) for path in files]
    table = pd.DataFrame({"id": ids, "path": [str(path) for path in files]}, dtype="str")
    if pattern is None:
        return table
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"params.yaml, competition.file_pattern is no regular expression: {error}", mend="correct it") from None
    groups = [name for name in expression.groupindex if labelled or name != LABEL]
    matches = [expression.search(str(path)) for path in files]
    if labelled:
        unmatched = [str(path) for path, match in zip(files, matches, strict=True) if match is None]
        if unmatched or not groups:
            raise InputError(
                f"competition.file_pattern {pattern} matches {len(files) - len(unmatched)} of {len(files)} {kind.plural}"
                + ("" if groups else ", and names no group"),
                unmatched,
                "make it match every training file, with a named group for each column, (?P<label>…)",
            )
    return table.assign(**{name: [match[name] if match else "" for match in matches] for name in groups})
