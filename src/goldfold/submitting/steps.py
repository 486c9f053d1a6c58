"""How far a code submission has come, kept beside its bundle so that the same command goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from goldfold.errors import InputError
from goldfold.files import read_json, write_json, written_by_this_version

STEPS = "steps.json"


@dataclass(frozen=True)
class Version:
    """A version on Kaggle of a data set or a kernel: `ref` is its name there, owner/slug, and `of` says what it is made of.

    It is kept before Kaggle is asked to make it: `before` is the number of the newest version then, `number` its own, 0 until it
    is known. `status` of a data set is `sent` once Kaggle took its files, of a kernel `answered` or `failed` once its run ended.
    """

    ref: str
    of: str
    before: int
    number: int = 0
    status: str = ""


@dataclass(frozen=True)
class Attempt:
    """A submission of the bundle with the SHA-256 `of`, sent at an ISO time; its number on Kaggle is `ref`, 0 until it is known.

    It is kept before it is sent: `before` is the number of your newest submission then.
    """

    of: str
    message: str
    sent: str
    before: int = 0
    ref: int = 0
    status: str = "pending"


@dataclass
class Steps:
    """The steps of the bundle in `folder` that were begun."""

    folder: Path
    data_set: Version | None = None
    kernel: Version | None = None
    submission: Attempt | None = None

    def keep(self, **steps: Version | Attempt) -> None:
        """Put these steps in place of the earlier ones, on the disk too."""
        vars(self).update(steps)
        write_json(kept_beside(self.folder) / STEPS, {name: step and asdict(step) for name, step in self._all().items()})

    def _all(self) -> dict[str, Version | Attempt | None]:
        return {"data_set": self.data_set, "kernel": self.kernel, "submission": self.submission}


@contextmanager
def steps_of(bundle: Path) -> Iterator[Steps]:
    """Yield the steps that were kept of the bundle in this folder; raises InputError while another process has them."""
    kept = kept_beside(bundle)
    kept.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(kept / ".lock", timeout=0):
            yield _read(bundle, kept / STEPS)
    except Timeout:
        raise InputError(f"another process is submitting {bundle}", mend="wait for it, or stop it") from None


def _read(bundle: Path, path: Path) -> Steps:
    if not path.is_file():
        return Steps(bundle)
    mend = f"see on Kaggle what was submitted; rm {path} begins anew, with an upload"
    with written_by_this_version(str(path), mend):
        kept, kinds = read_json(path), {"data_set": Version, "kernel": Version, "submission": Attempt}
        return Steps(bundle, **{name: kept[name] and kind(**kept[name]) for name, kind in kinds.items()})


def kept_beside(bundle: Path) -> Path:
    """Return the folder of what was sent to Kaggle and brought back for a bundle."""
    return bundle.with_name(f"{bundle.name}.kaggle")
