"""Archives that Kaggle sends."""

import zipfile
from pathlib import Path

from goldfold.kaggle.session import UnreachableError
from goldfold.tables.unpacking import DAMAGED


def require_whole(archive: Path) -> Path:
    """Return a zip that was downloaded, all of whose files are as they were packed.

    One that is not is deleted, as the client takes what is there for done; raises UnreachableError.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            damaged = opened.testzip()
    except DAMAGED:
        damaged = archive.name
    if damaged is None:
        return archive
    archive.unlink()
    raise UnreachableError(
        f"what Kaggle sent is not whole: {damaged} is damaged", mend="repeat the command, which downloads it again"
    )
