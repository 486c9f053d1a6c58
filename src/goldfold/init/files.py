"""The files of a competition: where they are, unpacked, and which of them goldfold reads."""

import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldfold.competition.images import image_files
from goldfold.errors import InputError
from goldfold.files import folder_written_whole
from goldfold.imports import nearest

RAW = Path("data/raw")
TABLES = (".csv", ".csv.zip", ".tsv", ".parquet")
DEEPEST = 3
SLUG = re.compile(r"(?:https?://(?:www\.)?kaggle\.com/(?:c|competitions)/)?([a-z0-9]+(?:-[a-z0-9]+)*)(?:/.*)?")
RESERVE = 2**30


@dataclass(frozen=True)
class Files:
    """The tables and images below `root`, as paths relative to it, and how many other files of each kind there are."""

    root: Path
    tables: tuple[Path, ...]
    images: tuple[Path, ...]
    others: Counter[str]


def slug_of(given: str) -> str | None:
    """The name of a Kaggle competition, from itself or its address; None for what can be none."""
    match = SLUG.fullmatch(given)
    return match[1] if match and ("/" not in given or "kaggle.com" in given) else None


def unpack_download(archive: Path, folder: Path, keep: bool = False) -> None:
    """Unpack what Kaggle sends, and the archives in it, into `folder`, whole or not at all; they go, unless `keep` the first."""
    with folder_written_whole(folder) as draft:
        _unpack(archive, draft)
        while found := archives(draft):
            for inner in found:
                _unpack(inner, place_of(inner))
                inner.unlink()
    if not keep:
        archive.unlink()


def unpack_beside(folder: Path) -> list[str]:
    """Unpack the archives in a folder of the competitor's own, where that was not done yet; say what was unpacked.

    The archives stay. Raises InputError where the folder cannot be written to.
    """
    told: list[str] = []
    while waiting := [path for path in archives(folder) if not _is_unpacked(path)]:
        for path in waiting:
            try:
                with folder_written_whole(path.with_name(f".{path.name}.unpacked")) as draft:
                    _unpack(path, draft)
            except OSError as error:
                raise InputError(
                    f"{path} is packed, and cannot be unpacked beside itself: {error.strerror}",
                    mend=f"unpack it, or move the folder to {RAW}/{folder.name}",
                ) from None
            unpacked = path.with_name(f".{path.name}.unpacked")
            place = place_of(path)
            place.mkdir(exist_ok=True)
            for item in sorted(unpacked.iterdir()):
                shutil.move(item, place / item.name)
            unpacked.rmdir()
            told.append(f"unpacked {path.relative_to(folder)}, which may go now")
    return told


def archives(folder: Path) -> list[Path]:
    """The zip files in a folder that are no tables."""
    return [path for path in sorted(folder.rglob("*.zip")) if not path.name.startswith(".") and not is_table(path)]


def place_of(archive: Path) -> Path:
    """The folder to unpack an archive into: its own place if it holds one folder or table of its name, else a new folder."""
    with _opened(archive) as opened:
        tops = {name.split("/")[0] for name in _members(opened)}
    own = archive.stem
    return archive.parent if tops and tops <= {own, f"{own}.csv"} else archive.parent / own


def find_files(root: Path) -> Files:
    """The files of a competition; raises InputError for a folder without tables and images."""
    found = [path.relative_to(root) for path in root.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(root))]
    tables = sorted((path for path in found if is_table(path) and len(path.parts) <= DEEPEST), key=lambda p: (len(p.parts), p))
    plain = {path.with_name(path.name.removesuffix(".zip")) for path in tables if path.suffix != ".zip"}
    tables = [path for path in tables if path.suffix != ".zip" or path.with_suffix("") not in plain]
    images = image_files(root)
    known = {*tables, *images}
    others = Counter(path.suffix.lower() or path.name for path in found if path not in known and not is_table(path))
    if not tables and not images:
        told = [f"{count} files {kind}" for kind, count in others.most_common()]
        raise InputError(
            f"{root} holds no tables ({', '.join(TABLES)}) and no images",
            told or ["it is empty"],
            "name the folder with the competition's files; docs/kinds-of-input.md shows how other kinds of files are read",
        )
    return Files(root, tuple(tables), tuple(images), others)


def missing(given: str) -> InputError:
    """The error for a path that is not there."""
    path = Path(given)
    above = next((folder for folder in path.parents if folder.is_dir()), Path())
    here = path.relative_to(above).parts[0] if path != above else ""
    beside = sorted(entry.name for entry in above.iterdir() if not entry.name.startswith("."))
    return InputError(
        f"there is no {path}{nearest(here, beside)}",
        [f"{above}/ holds {', '.join(beside[:10]) or 'nothing'}"],
        "give the folder with the competition's files, or the name of a competition on Kaggle, such as titanic",
    )


def require_space(needed: int, folder: Path) -> None:
    """Raise InputError where the disk of `folder` has no room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise InputError(
            f"the disk has {free / 2**30:.1f} GB free, too little for {needed / 2**30:.1f} GB more",
            mend="make room; `dvc gc --workspace` removes results of old runs from DVC's cache",
        )


def is_table(path: Path) -> bool:
    """Whether a file is one of the kinds of tables that goldfold reads."""
    return path.name.lower().endswith(TABLES)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _is_unpacked(archive: Path) -> bool:
    with _opened(archive) as opened:
        return all((place_of(archive) / name.split("/")[0]).exists() for name in _members(opened))


def _unpack(archive: Path, folder: Path) -> None:
    with _opened(archive) as opened:
        require_space(sum(member.file_size for member in opened.infolist()), archive.parent)
        opened.extractall(folder, members=_members(opened))


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise InputError(f"{archive} is no zip file, or a broken one", mend="fetch it again") from None


def _members(opened: zipfile.ZipFile) -> Sequence[str]:
    return [name for name in opened.namelist() if not _is_hidden(Path(name))]
