"""The roles of a competition's tables, and the target column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldfold.competition.sides import side_of
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.init.files import Files
from goldfold.init.folder import Folder
from goldfold.init.joins import find_joins, parts_of
from goldfold.init.parts import ROLES, joined_tables, stem_of
from goldfold.tables.reading import ANY, FOLDER, is_several

Named = tuple[Path, str]
"""A table, and the reason for its role."""

JSON = ".json"
PLAIN_TEXT = (".txt", ".dat", ".data")
MOST_PARTS = 4
USUAL_TARGETS = ("target", "label", "class", "y", "labels", "category")


@dataclass(frozen=True)
class Tables:
    """The training table, test table and sample submission, if there are any, with reasons; the tables to join, as
    competition.join has them; and, of those that are `unread`, what those with columns of the rows have in common with them.
    """

    train: Named | None
    test: Named | None
    sample: Named | None
    header: bool = True
    unread: tuple[Path, ...] = ()
    joins: Mapping[Path, Any] = field(default_factory=dict)
    related: Mapping[Path, str] = field(default_factory=dict)


def find_tables(files: Files, folder: Folder, overrides: Mapping[str, object]) -> Tables:
    """Work out the tables' roles by their names, else by their columns; `overrides` are settings of `competition` that win.

    Raises InputError if the training table remains unclear.
    """
    named: dict[str, Named] = {}
    others: dict[str, Sequence[Path]] = {}
    for role in ("train", "test", "sample_submission"):
        if overrides.get(role):
            named[role] = (Path(str(overrides[role])), "as you said")
    tables = joined_tables(folder, files.tables)
    rest = [path for path in tables if path not in {path for path, _ in named.values()}]
    for role, words in ROLES.items():
        if role not in named and (found := _by_name(rest, words, role)):
            named[role] = (found[0], "by its name")
            rest.remove(found[0])
            others[role] = found
    _require_known(folder, [role for role in ROLES if role not in named and role not in overrides])
    if {"test", "train"} <= set(others):
        named |= _of_one_target(folder, others["train"], others["test"])
    if "train" not in named and rest:
        readable = [path for path in rest if _holds_rows(folder, path)]
        # Where none is, what is wrong with the first is the message.
        unreadable = [path for path in rest if JSON not in path.name.lower()] if not readable else []
        named |= _by_columns(folder, [*readable, *unreadable], named) if readable or unreadable else {}
    elif "test" not in named and "test" not in overrides:
        named |= _test_by_columns(folder, named, rest)
    read = {path for path, _ in named.values()}
    unread = tuple(path for path in tables if path not in read)
    if "train" in named and "extra" not in overrides:
        asked = named.get("sample_submission") or named.get("test")
        _require_whole(folder, named["train"][0], asked and asked[0], [p for p in unread if _holds_rows(folder, p)])
    header = bool(
        overrides["header"]
        if "header" in overrides
        else not _has_no_header(folder, [path for role, (path, _) in named.items() if role != "sample_submission"])
    )
    if "train" in named and not {"test", "sample_submission"} & set(named):
        _require_one_part(folder, named["train"][0])
    joins: dict[Path, dict[str, Any]] = {}
    related: dict[Path, str] = {}
    if "join" not in overrides and {"train", "test"} <= set(named):
        paths = {role: path for role, (path, _) in named.items()}
        joins, related = find_joins(folder, paths, [path for path in unread if _holds_rows(folder, path)])
    return Tables(
        train=named.get("train"),
        test=named.get("test"),
        sample=named.get("sample_submission"),
        header=header,
        unread=tuple(path for path in unread if path not in parts_of(joins)),
        joins={path: join["by"] if set(join) == {"by"} else join for path, join in joins.items()},
        related=related,
    )


def find_target(folder: Folder, tables: Tables) -> tuple[str | None, str]:
    """Return the target and why, None if reading the competition works it out by itself, or without a table."""
    if tables.train is None:
        return None, ""
    joined = [name for path, join in tables.joins.items() if "take" not in join for name in folder.header(path)]
    columns = list(dict.fromkeys([*folder.header(tables.train[0], tables.header), *joined]))
    test = folder.header(tables.test[0], tables.header) if tables.test else []
    sample = folder.header(tables.sample[0]) if tables.sample else []
    asked = sample[1:] or sample
    if asked and all(name in columns for name in asked):
        return None, ""
    if ANY in tables.train[0].parts:
        return FOLDER, "the folders in which the tables lie"
    others = {name.casefold() for name in (*test, *sample[: len(sample) > 1], *([] if test or sample else columns[:-1]))}
    candidates = [name for name in columns if name.casefold() not in others]
    usual = [name for name in columns if name.lower() in USUAL_TARGETS and name not in test]
    if not test and not sample and usual:
        return usual[0], "by its name"
    if len(candidates) == 1 and (test or sample):
        return None, ""
    if not candidates and not set(map(str.casefold, sample)) & {name.casefold() for name in columns if name not in test}:
        more = [f"{path}: {', '.join(folder.header(path)[:8])}" for path in tables.unread if _holds_rows(folder, path)]
        if more:
            raise InputError(
                f"{tables.train[0]} has no column to predict, only those that are known of the test rows too",
                more,
                "join the table that has the target to the training table, into one file; or name another one in train",
            )
    if not candidates:
        return None, ""
    if asked and (held := _holding(folder, tables.train[0], candidates, asked)):
        return held, "its values are the columns of the sample submission"
    usual = [name for name in candidates if name.lower() in USUAL_TARGETS]
    if usual:
        return usual[0], "by its name"
    if len(asked) == 1 and (named := _like(folder, tables, candidates, asked[0])):
        return named, f"the column most like {asked[0]} of the sample submission, whose values it has"
    what = "columns that the test table does not have" if test else "columns"
    return candidates[-1], f"a guess: the last of the {what}" if len(candidates) > 1 else "a guess: the last column"


def _require_whole(folder: Folder, train: Path, asked: Path | None, others: Sequence[Path]) -> None:
    """Raise QuestionError for other tables with the columns of the training table, or all but its id, which may be a part of it.

    A table with ids that are `asked` has the solution.
    """
    columns = set(folder.header(train)) if others else set()
    headers = {path: set(folder.header(path)) for path in others if not is_several(path)}
    alike = [path for path, header in headers.items() if header == columns]
    ids = set(folder.cells(asked).iloc[:, 0]) if alike and asked else set()
    without_ids = [path for path in headers if asked and headers[path] == columns - {folder.header(asked)[0]} != columns]
    parts = [str(path) for path in alike if ids.isdisjoint(folder.cells(path).iloc[:, 0])] + [*map(str, without_ids)]
    if parts:
        more = parts[0] if len(parts) == 1 else parts
        raise QuestionError(
            f"{', '.join(parts)}: the columns are those of {train}. Are these more training rows? Join the parts of one table",
            [Reply("extra", more, "more training rows, on which nothing is validated"), Reply("extra", None, "they are not")],
        )


def _require_one_part(folder: Folder, train: Path) -> None:
    """Raise InputError for a table of training and test rows, of which a column says which is which."""
    for name, cells in folder.cells(train).items():
        parts = cells[cells != ""].value_counts()
        sides = {side_of(part) for part in parts.index} if len(parts) <= MOST_PARTS else {None}
        if len(sides) > 1 and "train" in sides and None not in sides:
            raise InputError(
                f"{folder.root / train} holds rows of several parts, as its column {name} says",
                [f"{part}: {rows} rows" for part, rows in parts.items()],
                "write a table of each, train.csv and test.csv; or take the column out, and a share of all rows is the test set",
            )


def _by_name(paths: Sequence[Path], words: Sequence[str], role: str) -> Sequence[Path]:
    """The tables whose names say their role: the role itself, else the shortest name with one of the words first."""
    stems = {path: stem_of(path) for path in paths}
    exact = [path for path, stem in stems.items() if stem == role]
    holding = [path for path, stem in stems.items() if any(word in stem for word in words)]
    return exact or sorted(holding, key=lambda path: (len(path.parts), len(path.name), path))


def _require_known(folder: Folder, roles: Sequence[str]) -> None:
    """Raise QuestionError for a plain text whose name says one of these roles, in a folder where no table has it."""
    texts = sorted(path for path in folder.root.iterdir() if path.suffix.lower() in PLAIN_TEXT and path.is_file())
    for role in roles:
        # The latest is no test.
        called = re.compile("submission" if role == "sample_submission" else rf"(?<![a-z]){role}(?![a-z])")
        if found := [path.name for path in texts if called.search(path.name.lower())]:
            raise QuestionError(
                f"{folder.root / found[0]}: is this text a table, the {role.replace('_', ' ')}?",
                [Reply(role, found[0], "it is read as one"), Reply(role, None, "it is none")],
            )


def _of_one_target(folder: Folder, train: Sequence[Path], test: Sequence[Path]) -> dict[str, Named]:
    """The first training table and test table of which one has the columns of the other and more, where the likeliest do not."""
    columns = {path: set(folder.header(path)) for path in (*train, *test)} if len(train) > 1 and len(test) > 1 else {}
    pairs = [(one, other) for one in train for other in test if columns and columns[one] > columns[other]]
    if not pairs or columns[train[0]] - columns[test[0]]:
        return {}
    why = "by its name, and as the training table has a column that the test table lacks"
    return {"train": (pairs[0][0], why), "test": (pairs[0][1], why)}


def _test_by_columns(folder: Folder, named: Mapping[str, Named], rest: Sequence[Path]) -> dict[str, Named]:
    """The one table that has the columns of the training table but for a few, as its test table, and one with its ids and these
    few as the sample submission.
    """
    if "train" not in named:
        return {}
    train = set(folder.header(named["train"][0]))
    headers = {path: folder.header(path) for path in rest if _holds_rows(folder, path)}
    like = [path for path, columns in headers.items() if train > set(columns) and 2 * len(columns) > len(train)]
    if len(like) != 1:
        return {}
    (test,) = like
    roles: dict[str, Named] = {"test": (test, f"its columns are among those of {named['train'][0]}, and most of them")}
    asked = train - set(headers[test])
    answers = [path for path, columns in headers.items() if columns[0] in headers[test] and asked >= set(columns[1:]) != set()]
    if "sample_submission" not in named and len(answers) == 1:
        roles["sample_submission"] = (answers[0], "an id and what the test table lacks")
    return roles


def _by_columns(folder: Folder, rest: Sequence[Path], named: Mapping[str, Named]) -> dict[str, Named]:
    """The roles of tables by their columns: a training table has the columns of the test table and more."""
    if len(rest) == 1:
        return {"train": (rest[0], "the only table" if not named else "the only table left")}
    columns = {path: set(folder.header(path, True)) for path in rest}
    test = [set(folder.header(named["test"][0], True))] if "test" in named else []
    wider = [
        path
        for path in rest
        if all(columns[path] > columns[other] for other in rest if other != path and columns[other] & columns[path])
        and any(columns[path] > narrow for narrow in [*test, *(columns[other] for other in rest if other != path)])
    ]
    if len(wider) != 1:
        raise InputError(
            f"which of these tables in {folder.root} is the training table?",
            [f"{path}: {', '.join(folder.header(path, True)[:8])}" for path in rest],
            "name it: goldfold init … train=NAME (and test=NAME, sample_submission=NAME)",
        )
    (train,) = wider
    roles = {"train": (train, "it has the columns of another table, and more")}
    parts = sorted((path for path in rest if columns[path] < columns[train]), key=lambda path: -len(columns[path]))
    if parts and "test" not in named:
        roles["test"] = (parts[0], f"its columns are among those of {train}")
        parts = parts[1:]
    if parts and "sample_submission" not in named and "test" in {**named, **roles}:
        roles["sample_submission"] = (parts[0], "an id and what the test table lacks")
    return roles


def _holds_rows(folder: Folder, path: Path) -> bool:
    """Whether a file holds rows of a competition: not a damaged one, nor JSON with metadata, or the names of numbered labels."""
    try:
        if JSON not in path.name.lower():
            return bool(folder.header(path))
        cells = folder.cells(path)
    except InputError:
        return False
    counts = {str(number) for number in range(len(cells))}
    return cells.shape[1] > 1 and not (list(cells) == ["key", "value"] and counts in (set(cells["key"]), set(cells["value"])))


def _has_no_header(folder: Folder, paths: Sequence[Path]) -> bool:
    """Whether no table has a header, as far as their first lines show; raises InputError where one has and another has not."""
    headers = {path: folder.guess(path).header for path in paths}
    if len(set(headers.values())) > 1:
        raise InputError(
            f"some tables in {folder.root} begin with the names of their columns, and others with a row",
            [f"{path}: {'names' if has_names else 'a row'}" for path, has_names in headers.items()],
            "write a first line with names into the others; or header=True, where that row is one of names",
        )
    return bool(paths) and not any(headers.values())


def _like(folder: Folder, tables: Tables, candidates: Sequence[str], asked: str) -> str | None:
    """The one column whose name begins with that of an asked one, and which has its values, if there is one."""
    if not (tables.train and tables.sample):
        return None
    train, sample = folder.cells(tables.train[0]), folder.cells(tables.sample[0])
    values = set(sample[asked])
    like = [name for name in candidates if name.casefold().startswith(asked.casefold()) and values <= set(train[name])]
    return like[0] if len(like) == 1 else None


def _holding(folder: Folder, path: Path, candidates: Sequence[str], asked: Sequence[str]) -> str | None:
    """The column whose values are the columns that the sample submission asks for."""
    table = folder.cells(path)
    return next((name for name in candidates if set(table[name]) == set(asked)), None)
