"""The kinds of files that rows have, one file each, as the kinds of input name them."""

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from goldfold.imports import find_modality_part, known_modalities


@dataclass(frozen=True)
class FileKind:
    """Files of a kind: what one is called, `image`; the extensions that goldfold reads, a usual one, and others that it cannot.

    `begins` is how the content of one without an extension begins, and `blank` what stands in the place of a missing one.
    """

    name: str
    usual: str
    suffixes: frozenset[str]
    others: frozenset[str]
    begins: re.Pattern[bytes]
    blank: str

    @property
    def plural(self) -> str:
        """What several are called, which is the key of `competition` that says where they are, too."""
        return f"{self.name}s"

    @property
    def with_article(self) -> str:
        """What one is called, with its article."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def bad(self) -> str:
        """The key of `prepare` that says what becomes of missing and of bad ones."""
        return f"bad_{self.plural}"

    def holds(self, folder: Path, name: str) -> bool:
        """Whether a file below `folder` is of this kind: by its extension, and without one by how its content begins."""
        suffix = os.path.splitext(name)[1]
        if suffix:
            return suffix.lower() in self.suffixes
        try:
            with (folder / name).open("rb") as file:
                return self.begins.match(file.read(16)) is not None
        except OSError:
            return False


def kind_of_files(modality: str) -> FileKind:
    """Return the files that the rows of a kind of input have, of several kinds the first one's; images where none has any."""
    return next(iter(_kinds_of(modality)), None) or _kinds_of("image")[0]


@functools.lru_cache(maxsize=1)
def known_kinds_of_files() -> tuple[FileKind, ...]:
    """Return the files of all kinds of input that goldfold brings."""
    return tuple(kind for name in known_modalities() for kind in _kinds_of(name))


@functools.lru_cache(maxsize=1)
def endings() -> frozenset[str]:
    """Return the extensions of all these files."""
    return frozenset(suffix for kind in known_kinds_of_files() for suffix in kind.suffixes)


def _kinds_of(modality: str) -> list[FileKind]:
    parts = [find_modality_part(name, "files") for name in modality.split("+")]
    return [part.FILES for part in parts if part is not None]
