"""The files of a competition, unpacked, and which of them goldfold reads."""

import os
import re
import shlex
import shutil
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldfold.competition.file_kind import FileKind, kind_of_files, known_kinds_of_files
from goldfold.competition.row_files import files_of_kind, require_own_files
from goldfold.errors import InputError
from goldfold.files import folder_written_whole
from goldfold.imports import nearest
from goldfold.tables import is_table
from goldfold.tables.unpacking import PACKED, most_unpacked, told_of, too_large

RAW = Path("data/raw")
DEEPEST = 3
SLUG = re.compile(r"(?:https?://(?:www\.)?kaggle\.com/(?:c|competitions)/)?([a-z0-9]+(?:-[a-z0-9]+)*)(?:/.*)?")
RESERVE = 2**30


@dataclass(frozen=True)
class Files:
    """The tables below `root`, as paths relative to it, the files that rows may have, by their kind, and the number of others."""

    root: Path
    tables: tuple[Path, ...]
    of_rows: Mapping[FileKind, tuple[Path, ...]]
    others: Counter[str]

    @property
    def main_kind(self) -> FileKind:
        """The kind of which there are most files, images where there is none."""
        return max([kind_of_files("image"), *self.of_rows], key=lambda kind: len(self.of_rows.get(kind, ())))


def slug_of(source: str) -> str | None:
    """Return the slug of a Kaggle competition, from the slug or its address; None if `source` is neither."""
    match = SLUG.fullmatch(source)
    return match[1] if match and ("/" not in source or "kaggle.com" in source) else None


def unpack_download(archive: Path, folder: Path, keep: bool = False) -> None:
    """Unpack `archive`, and the archives in it, into `folder`, whole or not at all; delete it afterwards unless `keep`."""
    with folder_written_whole(folder) as draft:
        _unpack(archive, draft)
        while packed := archives(draft):
            for inner in packed:
                _unpack(inner, unpack_folder(inner))
                inner.unlink()
    if not keep:
        archive.unlink()


def unpack_beside(folder: Path) -> list[str]:
    """Unpack the archives in a folder that are not unpacked yet; return a message for each.

    The archives stay. Raises InputError if the folder cannot be written to.
    """
    messages: list[str] = []
    while packed := [path for path in archives(folder) if not _is_unpacked(path)]:
        for path in packed:
            unpacked = path.with_name(f".{path.name}.unpacked")
            try:
                with folder_written_whole(unpacked) as draft:
                    _unpack(path, draft)
                target = unpack_folder(path)
                target.mkdir(exist_ok=True)
            except OSError as error:
                here = shlex.quote(os.path.abspath(folder))
                raise InputError(
                    f"{path} cannot be unpacked beside itself: {error.strerror}",
                    mend=f"make a folder of links, cp -rs {here} COPY, and goldfold init COPY links=true",
                ) from None
            for item in sorted(unpacked.iterdir()):
                shutil.move(item, target / item.name)
            unpacked.rmdir()
            messages.append(f"unpacked {path.relative_to(folder)}, which you may delete now")
    return messages


def archives(folder: Path) -> list[Path]:
    """List the zip files in a folder that are not tables."""
    found = [path for path in sorted(folder.rglob("*.zip")) if path.is_file() and not is_table(path)]
    return [path for path in found if not _is_hidden(path.relative_to(folder))]


def unpack_folder(archive: Path) -> Path:
    """Return the folder to unpack an archive into: its own if it holds one folder or table of its name, else a new one."""
    with _opened(archive) as opened:
        tops = {name.split("/")[0] for name in _members(opened)}
    own = archive.stem
    return archive.parent if tops and tops <= {own, f"{own}.csv"} else archive.parent / own


def find_files(root: Path, links: bool = False) -> Files:
    """Find the files of a competition; raises InputError for a folder without tables and files that rows may have.

    Unless `links`, for links out of the folder too.
    """
    require_own_files(root, links)
    paths = [path.relative_to(root) for path in root.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(root))]
    tables = sorted((path for path in paths if is_table(path) and len(path.parts) <= DEEPEST), key=lambda p: (len(p.parts), p))
    plain = set(tables)
    tables = [path for path in tables if path.suffix not in PACKED or path.with_suffix("") not in plain]
    of_rows = {kind: tuple(found) for kind in known_kinds_of_files() if (found := files_of_kind(root, kind))}
    read = {*tables, *(path for found in of_rows.values() for path in found)}
    others = Counter(path.suffix.lower() or path.name for path in paths if path not in read and not is_table(path))
    if not read:
        kinds = [kind.plural for kind in known_kinds_of_files()]
        raise InputError(
            f"{root} holds no tables (CSV, TSV, Parquet, JSON, Excel), no {' and no '.join(kinds)}",
            [f"{count} files {kind}" for kind, count in others.most_common()] or ["it is empty"],
            "name the folder with the competition's files; or the tables, whatever they end with: train=NAME test=NAME; "
            "docs/kinds-of-input.md shows how to read other files",
        )
    return Files(root, tuple(tables), of_rows, others)


def missing(source: str) -> InputError:
    """Return the error for a path that does not exist."""
    path = Path(source)
    above = next((folder for folder in path.parents if folder.is_dir()), Path())
    here = path.relative_to(above).parts[0] if path != above else ""
    beside = sorted(entry.name for entry in above.iterdir() if not entry.name.startswith("."))
    return InputError(
        f"there is no {path}{nearest(here, beside)}",
        [f"{above}/ holds {', '.join(beside[:10]) or 'nothing'}"],
        "give the folder with the competition's files, or the name of a competition on Kaggle, such as titanic",
    )


def require_space(needed: int, folder: Path) -> None:
    """Raise InputError if the disk of `folder` has no room for `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise InputError(
            f"the disk has {free / 2**30:.1f} GB free, too little for {needed / 2**30:.1f} GB more",
            mend="make room; `dvc gc --workspace` removes results of old runs from DVC's cache",
        )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _is_unpacked(archive: Path) -> bool:
    with _opened(archive) as opened:
        return all((unpack_folder(archive) / name.split("/")[0]).exists() for name in _members(opened))


def _unpack(archive: Path, folder: Path) -> None:
    with told_of(archive), _opened(archive) as opened:
        for member in opened.infolist():
            if member.file_size > most_unpacked(member.compress_size):
                raise too_large(archive / member.filename)
        require_space(sum(member.file_size for member in opened.infolist()), archive.parent)
        opened.extractall(folder, members=_members(opened))


def _opened(archive: Path) -> zipfile.ZipFile:
    with told_of(archive):
        return zipfile.ZipFile(archive)


def _members(opened: zipfile.ZipFile) -> Sequence[str]:
    return [name for name in opened.namelist() if not _is_hidden(Path(name))]
