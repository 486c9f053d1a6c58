"""Finding the file of each row: its image, its sound."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from goldfold.competition.decision import Decision
from goldfold.competition.file_kind import FileKind, endings, known_kinds_of_files
from goldfold.competition.mask_files import without_masks
from goldfold.competition.sides import Side, side_of_path
from goldfold.competition.tables import fields_of, filled, line, require_columns
from goldfold.errors import InputError

Part = Literal["train", "test"]
OTHERS: dict[Part, tuple[Side, ...]] = {"train": ("test", "prediction"), "test": ("train", "validation")}
"""The sides whose folders hold no file of a table."""


@dataclass(frozen=True)
class RowFiles:
    """The file of each row, as a path relative to `root`; that of a `missing` one is where it was looked for.

    `missing` has a line for each row without a file, and `decisions` say what was found by another spelling.
    """

    kind: FileKind
    root: Path
    paths: list[str]
    missing: list[str]
    decisions: tuple[Decision, ...] = ()

    def without(self) -> str:
        """Say which rows have no file, and what may become of them."""
        count, kind = len(self.missing), self.kind
        more = f" and {count - 1} more" if count > 1 else ""
        return (
            f"{count} of {len(self.paths)} rows {'have' if count > 1 else 'has'} no {kind.name}: {self.missing[0]}{more}; "
            f"blank puts {kind.blank} in its place, drop leaves a training row out, error stops"
        )

    def require_all(self) -> None:
        """Raise InputError for rows without a file."""
        if self.missing:
            raise _without_files(self.kind, self.root, self.missing, len(self.paths), "rows", files_of_kind(self.root, self.kind))


def files_of_kind(folder: Path, kind: FileKind, masks: str | None = None) -> list[Path]:
    """List the files of a kind below `folder`, sorted, as paths relative to it; hidden folders are skipped, and files that are
    `masks` by their template."""
    return [Path(name) for name in without_masks((name for name in _walk(folder) if kind.holds(folder, name)), masks)]


def find_row_files(
    table: pd.DataFrame, id_column: str, root: Path, files: Sequence[Path], template: str | None, part: Part, kind: FileKind
) -> RowFiles:
    """Find the file of each row of `table` among `files` of a kind, which lie below `root`.

    A template, `images/{id}_frontal.jpg`, is filled in by each row. Without one, the file's name or path, with or without
    its extension, is the row's id, and folders that belong to the other table are left out. What is not there to the letter
    is looked for by its normal form (case, slashes, extension), and a path by its longest part that is there. Raises
    InputError for rows with more than one file, for a file of two spellings, and where most rows have none.
    """
    where = f"the {part} table"
    if template is None:
        keys = [str(value) for value in table[id_column]]
    else:
        require_columns(table.columns, fields_of(template), where, f"competition.{kind.plural}")
        keys = filled(table, template)
    names = [path.as_posix() for path in files]
    looked_in = names if template else [name for name in names if _may_hold(part, name)]
    exact = _by_name(looked_in, set(keys))
    taken = {name for found in exact.values() for name in found}
    rest = [key for key in dict.fromkeys(keys) if key not in exact]
    whole = template is not None and "/" in template.partition("{")[0]
    similar = _by_normal_form((name for name in looked_in if name not in taken), rest, whole)
    found = {**similar, **exact}
    _require_one_each(kind, table[id_column], keys, found, similar, where, root)

    before, after = _usual_shape(exact)
    missing = [key for key in keys if key not in found]
    elsewhere = _elsewhere(root, names, missing, part) if missing else {}
    lines = [
        f"{part} {line(row)} ({id_column} {value}): no file {before}{key}{after}{elsewhere.get(key, '')}"
        for row, (key, value) in enumerate(zip(keys, table[id_column], strict=True))
        if key not in found
    ]
    if 2 * len(lines) > len(keys):
        raise _without_files(kind, root, lines, len(keys), f"rows of {where}", files)
    paths = [found[key][0] if key in found else f"{before}{key}{after}" for key in keys]
    if not similar:
        return RowFiles(kind, root, paths, lines)
    key, (name,) = next(iter(similar.items()))
    count = sum(key in similar for key in keys)
    bridged = Decision(f"{kind.plural} of {where}", f"{count} of {len(keys)}", f"found by another spelling: {key} is {name}")
    return RowFiles(kind, root, paths, lines, (bridged,))


def files_of_test_folder(root: Path, ids: pd.Series, kind: FileKind, masks: str | None = None) -> list[str]:
    """The files of a test folder, named as the training rows' ids name theirs, by name or path; none where these have none."""
    files = files_of_kind(root, kind, masks)
    tested = [path for path in files if side_of_path(path.parent.as_posix()) == "test"]
    others = [path for path in files if path not in set(tested)]
    spellings: Sequence[Callable[[Path], str]] = (
        *(lambda path: path.name, lambda path: path.stem),
        *(lambda path: path.as_posix(), lambda path: path.with_suffix("").as_posix()),
    )
    for spelling in spellings:
        names = [spelling(path) for path in tested]
        if len(set(names)) == len(names) and {spelling(path) for path in others} & set(ids):
            return names
    return []


def require_own_files(root: Path, links: bool) -> None:
    """Raise InputError for what is no file below `root`, as a pipe or a device, and unless `links`, for links out of it."""
    inside = os.path.realpath(root)
    wrong: dict[str, list[str]] = {"no files": [], "links out of it": [], "names that are no UTF-8": []}
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                target = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if entry.name.startswith("."):
                    continue
                if not entry.name.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in entry.name):
                    wrong["names that are no UTF-8"].append(repr(os.fsencode(entry.path)))
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_symlink() and not links and not Path(target).is_relative_to(inside):
                    wrong["links out of it"].append(f"{entry.path} leads to {target}")
                elif not entry.is_file(follow_symlinks=False) and not os.path.isfile(target) and not os.path.isdir(target):
                    wrong["no files"].append(entry.path)
    mends = {
        "no files": "remove them: pipes, devices and links that lead nowhere cannot be read",
        "links out of it": "copy what they lead to, or allow links by competition.links: true",
        "names that are no UTF-8": "rename them",
    }
    for what, paths in wrong.items():
        if paths:
            raise InputError(f"{root} holds {what}: {len(paths)}", sorted(paths), mends[what])


def _walk(folder: Path, below: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """The files below `folder`, sorted, as paths relative to it; raises InputError for links in a circle."""
    with os.scandir(folder / below) as entries:
        ordered = sorted((entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries if not entry.name.startswith("."))
    for name, is_folder, is_link in ordered:
        if not is_folder:
            yield below + name
            continue
        inner = f"{below}{name}/"
        real = os.path.realpath(folder / inner) if is_link or above else ""
        if (is_link and (os.path.realpath(folder / below) + os.sep).startswith(real + os.sep)) or real in above:
            raise InputError(f"{folder / below / name} is a link that leads back to itself", mend="remove it")
        yield from _walk(folder, inner, (*above, real) if real else ())


def _may_hold(part: Part, name: str) -> bool:
    return side_of_path(name.rpartition("/")[0]) not in OTHERS[part]


def _by_name(names: Iterable[str], asked: set[str]) -> dict[str, list[str]]:
    """Files by those of the `asked` keys that are their path or name, with or without the extension."""
    found: dict[str, list[str]] = {}
    for path in names:
        name = path.rpartition("/")[2]
        for key in asked & {path, name, os.path.splitext(path)[0], os.path.splitext(name)[0]}:
            found.setdefault(key, []).append(path)
    return found


def _by_normal_form(names: Iterable[str], asked: Collection[str], whole: bool = False) -> dict[str, list[str]]:
    """Files by those of the `asked` keys whose longest tail they have, in normal form; by the whole key if `whole`."""
    tails = {key: _tails(key)[: 1 if whole else None] for key in asked}
    wanted = {tail for key in asked for tail in tails[key]}
    files: dict[str, list[str]] = {}
    if wanted:
        for name in names:
            for tail in _tails(name):
                if tail in wanted:
                    files.setdefault(tail, []).append(name)
    longest = {key: next((tail for tail in tails[key] if tail in files), None) for key in asked}
    return {key: files[tail] for key, tail in longest.items() if tail is not None}


def _tails(path: str) -> list[str]:
    """A path in normal form, and what remains of it without its first folders, the longest first.

    The normal form has one case, one form of Unicode and of slashes, and no extension of a kind of files.
    """
    parts = [part for part in re.split(r"[/\\]+", unicodedata.normalize("NFC", path).casefold().strip()) if part not in ("", ".")]
    if not parts:
        return []
    stem, suffix = os.path.splitext(parts[-1])
    if suffix in endings() or any(suffix in kind.others for kind in known_kinds_of_files()):
        parts[-1] = stem
    return ["/".join(parts[at:]) for at in range(len(parts))]


def _usual_shape(exact: dict[str, list[str]]) -> tuple[str, str]:
    """What stands before and behind the key in the path of most files."""
    shapes = Counter((path[:at], path[at + len(key) :]) for key, (path, *_) in exact.items() if (at := path.rfind(key)) >= 0)
    return shapes.most_common(1)[0][0] if shapes else ("", "")


def _require_one_each(
    kind: FileKind,
    ids: pd.Series,
    keys: Sequence[str],
    found: dict[str, list[str]],
    similar: dict[str, list[str]],
    where: str,
    root: Path,
) -> None:
    """Raise InputError for rows with several files, and for two spellings that mean the same one."""
    spellings: dict[str, list[str]] = {}
    for key, names in similar.items():
        spellings.setdefault(names[0], []).append(key)
    several = []
    for row, key in enumerate(keys):
        names = found.get(key, [])
        shared = [other for other in spellings.get(names[0], []) if other != key] if names else []
        if len(names) > 1:
            several.append(f"{line(row)} ({ids.name} {ids.iloc[row]}): {', '.join(names[:3])}")
        elif shared:
            several.append(f"{line(row)} ({ids.name} {ids.iloc[row]}): {names[0]}, which is as near to {shared[0]}")
    if several:
        raise InputError(
            f"{len(several)} of {len(keys)} rows of {where} have several {kind.plural} below {root}, or one that is another's",
            several,
            f"say in competition.{kind.plural} which one is meant, such as train/{{id}}{kind.usual}, or rename the files",
        )


def _elsewhere(root: Path, names: Sequence[str], missing: Sequence[str], part: Part) -> dict[str, str]:
    """What lies there for keys without a file: the other table's, or one that goldfold cannot read."""
    readable = set(names)
    unreadable = [name for name in _walk(root) if name not in readable]
    others = _by_normal_form((name for name in names if not _may_hold(part, name)), missing)
    other = "test" if part == "train" else "train"
    return {
        **{key: f", only {found[0]}, which goldfold cannot read" for key, found in _by_normal_form(unreadable, missing).items()},
        **{key: f", only {found[0]}, which is the {other} table's" for key, found in others.items()},
    }


def _without_files(kind: FileKind, root: Path, lines: Sequence[str], count: int, rows: str, files: Sequence[Path]) -> InputError:
    first = f"such as {files[0].as_posix()}" if files else "none at all"
    name, plural = kind.name, kind.plural
    return InputError(
        f"{len(lines)} of {count} {rows} have no {name} below {root} (it has {len(files)} {plural}, {first})",
        lines,
        f"add the {plural}; or say in competition.{plural} how the path of each is made, {plural}/{{id}}_x{kind.usual}; or set "
        f"prepare.{kind.bad}: blank to go on with {kind.blank} in the place of a missing one, or drop to leave these training "
        "rows out",
    )
