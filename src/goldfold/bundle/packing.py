"""What every bundle has beside its models: the notebook, goldfold's own wheel, and the competitor's modules."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from goldfold.bundle.notebooks import notebook
from goldfold.bundle.sharing import share_tensors
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json

CARD, NOTEBOOK = "bundle.json", "predict.ipynb"
NEEDS = ("torch", "timm", "albumentations", "numpy", "pandas", "scikit-learn", "pydantic")
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Packing:
    """What goes beside the models: the notebook's path of the competition, the largest size, and packages to bring along."""

    data: Path
    megabytes: float
    wheels: Sequence[str] = ()


@contextmanager
def packed(folder: Path, name: str, competition: str, packing: Packing) -> Iterator[Path]:
    """Yield a folder to write the models to, which becomes the bundle `folder`, whole or not at all.

    Raises InputError if it would be larger than allowed, or would replace other things than a bundle.
    """
    if folder.exists() and not (folder / CARD).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there, and a bundle would take its place", mend="name a folder of its own")
    with folder_written_whole(folder) as draft:
        yield draft
        share_tensors(draft)
        write_json(draft / NOTEBOOK, notebook(name, competition, folder.name, packing.data))
        _build_wheel(draft / "wheels")
        for package in packing.wheels:
            _fetch_wheel(package, draft / "wheels")
        own = REPOSITORY / "src" / "own"
        if own.is_dir():
            shutil.copytree(own, draft / "own", ignore=shutil.ignore_patterns("__pycache__"))
        _require_size(draft, packing.megabytes)


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def versions_here() -> dict[str, str]:
    """Return the versions of the libraries that predictions depend on."""
    return {name: version(name) for name in NEEDS}


def other_versions(trained: dict[str, str]) -> list[str]:
    """List the libraries whose version here differs from the one in training, a line for each."""
    lines = []
    for name, there in trained.items():
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        lines += [f"{name} {here} here, {there} in training"] * (here != there)
    return lines


def _require_size(folder: Path, megabytes: float) -> None:
    if size_of(folder) > megabytes * 1e6:
        files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: -path.stat().st_size)
        raise InputError(
            f"the bundle would have {size_of(folder) / 1e6:.1f} MB, more than the {megabytes:g} allowed",
            [f"{path.relative_to(folder)}: {path.stat().st_size / 1e6:.1f} MB" for path in files],
            "bundle a run of fewer folds or a smaller model, or raise --megabytes",
        )


def _build_wheel(folder: Path) -> None:
    """Build goldfold's own wheel, without a network."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())], "goldfold's wheel")


def _fetch_wheel(package: str, folder: Path) -> None:
    """Download a package's wheel in the version that is installed; it may be built for this platform."""
    try:
        pinned = f"{package}=={version(package)}"
    except PackageNotFoundError:
        raise InputError(f"--wheels: {package} is not installed here", mend="install it, or leave it out") from None
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    _run([sys.executable, "-m", "pip", "download", *options, pinned], f"the wheel of {pinned}")


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{what} could not be made", done.stderr.strip().splitlines()[-3:], "mend what pip or hatch reports")
