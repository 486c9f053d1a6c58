"""Competitions without a training table: the labels are folders, or parts of the file names."""

import re
from pathlib import Path

import pandas as pd

from goldfold.competition.images import image_files
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError

LABEL = "label"


def tables_from_folders(config: CompetitionConfig, root: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the training table, and the test table where there is a test folder, of a folder of images.

    Columns: `id` (the file's name), `path` (relative to `root`), the named groups of `competition.file_pattern`, and
    `label`: the group of that name, else the folder that holds the image. Raises InputError where there is neither.
    """
    train_folder = _folder(root, "train")
    files = [train_folder / path for path in image_files(root / train_folder)]
    test_folder = _folder(root, "test")
    apart = [test_folder, *([Path(config.extra)] if config.extra else [])]
    files = [path for path in files if not any(folder != Path() and path.is_relative_to(folder) for folder in apart)]
    if not files:
        raise InputError(
            f"{root} has neither a training table nor images",
            mend="point competition.path to the folder with train.csv or with a folder of images per class",
        )
    train = _table(files, config.file_pattern)
    if LABEL not in train:
        loose = [str(path) for path in files if path.parent == train_folder]
        if loose:
            raise InputError(
                f"{len(loose)} of {len(files)} images below {root / train_folder} are in no class folder",
                loose,
                "put them into one folder per class, give competition.train (a table), or say in competition.file_pattern "
                r"how the label is read from a file's name, such as (?P<label>cat|dog)\.\d+\.jpg",
            )
        train[LABEL] = [path.relative_to(train_folder).parts[0] for path in files]
    if test_folder == Path():
        return train, None
    test_files = [test_folder / path for path in image_files(root / test_folder)]
    return train, _table(test_files, config.file_pattern, labelled=False) if test_files else None


def extra_from_folders(config: CompetitionConfig, root: Path) -> pd.DataFrame:
    """The table of the training images in the folder competition.extra, as `tables_from_folders` makes it.

    Their ids are their paths, so that they are not taken for images of the competition.
    """
    folder = Path(str(config.extra))
    table, _ = tables_from_folders(config.model_copy(update={"extra": None}), root / folder)
    paths = [str(folder / path) for path in table["path"]]
    return table.assign(id=paths, path=paths)


def _folder(root: Path, name: str) -> Path:
    """The folder `name`, name_images or name/images below `root`, relative to it; `root` itself where there is none."""
    for candidate in (name, f"{name}_images", f"{name}-images", f"images/{name}"):
        if (root / candidate).is_dir():
            return Path(candidate)
    return Path()


def _table(files: list[Path], pattern: str | None, labelled: bool = True) -> pd.DataFrame:
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
                f"competition.file_pattern {pattern} matches {len(files) - len(unmatched)} of {len(files)} images"
                + ("" if groups else ", and names no group"),
                unmatched,
                "make it match every training image, with a named group for each column, (?P<label>…)",
            )
    return table.assign(**{name: [match[name] if match else "" for match in matches] for name in groups})
