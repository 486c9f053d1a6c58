"""The credentials that Kaggle's client would use."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NEW_TOKEN = (
    'open https://www.kaggle.com/settings/api, "Generate New Token", and save the token to ~/.kaggle/access_token '
    "(or set KAGGLE_API_TOKEN); a kaggle.json, or KAGGLE_USERNAME with KAGGLE_KEY, does as well"
)


@dataclass(frozen=True)
class Credentials:
    """Where the credentials are: in an environment variable, or in the file `path`."""

    source: str
    path: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether others on this machine can read them."""
        return self.path is not None and os.name != "nt" and bool(self.path.stat().st_mode & 0o077)


def find_credentials() -> Credentials | None:
    """Return the credentials that Kaggle's client would use, None without any; sends nothing."""
    return next(_candidates(), None)


def _candidates() -> Iterator[Credentials]:
    home = Path.home() / ".kaggle"
    if os.environ.get("KAGGLE_API_TOKEN"):
        yield Credentials("KAGGLE_API_TOKEN")
    for path in (home / "access_token", home / "access_token.txt"):
        if path.is_file() and path.read_text(encoding="utf-8").strip():
            yield Credentials(str(path), path)
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        yield Credentials("KAGGLE_USERNAME and KAGGLE_KEY")
    path = _config_folder() / "kaggle.json"
    if _keys(path) >= {"username", "key"}:
        yield Credentials(str(path), path)
    path = home / "credentials.json"
    if "refresh_token" in _keys(path):
        yield Credentials(str(path), path)


def _config_folder() -> Path:
    configured, home = os.environ.get("KAGGLE_CONFIG_DIR"), Path.home() / ".kaggle"
    if configured or home.is_dir():
        return Path(configured or home)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"


def _keys(path: Path) -> set[str]:
    """The keys of a JSON file with a value; none for a missing or broken file, as for the client."""
    try:
        return {key for key, value in json.loads(path.read_text(encoding="utf-8")).items() if value}
    except (OSError, ValueError, AttributeError):
        return set()
