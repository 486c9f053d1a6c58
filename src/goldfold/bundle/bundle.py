"""Bundle: what a code competition needs of a run, in one folder."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from goldfold.bundle.notebooks import notebook
from goldfold.competition import Problem
from goldfold.config import Config, parse_config
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, read_json, write_json
from goldfold.inference.ensemble import Ensemble

CARD, MODELS, NOTEBOOK = "bundle.json", "models", "predict.ipynb"
NEEDS = ("torch", "timm", "albumentations", "numpy", "pandas", "scikit-learn", "pydantic")
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Bundle:
    """The models of a run, and all of params.yaml.

    Files: bundle.json, models/ (see Ensemble), wheels/ with goldfold's own, own/ with the competitor's modules, and
    predict.ipynb, which needs only a competition's files and the libraries of `versions`.
    """

    name: str
    config: Config
    ensemble: Ensemble
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """The problem that it answers."""
        return self.ensemble.problem

    def save(self, folder: Path, data: Path, megabytes: float, wheels: Sequence[str] = ()) -> int:
        """Write the files, whole or not at all; return the folder's size in bytes.

        `data` is the notebook's path of the competition, `wheels` are packages to bring along in the version installed here.
        Raises InputError if the folder would be larger than `megabytes`, or would replace other things than a bundle.
        """
        if folder.exists() and not (folder / CARD).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError(f"{folder} is there, and a bundle would take its place", mend="name a folder of its own")
        with folder_written_whole(folder) as draft:
            self.ensemble.save(draft / MODELS)
            config = self.config.model_dump(mode="json", by_alias=True)
            versions = {name: version(name) for name in NEEDS}
            write_json(draft / CARD, {"name": self.name, "config": config, "versions": versions})
            write_json(draft / NOTEBOOK, notebook(self.name, self.problem.name, folder.name, data))
            _build_wheel(draft / "wheels")
            for package in wheels:
                _fetch_wheel(package, draft / "wheels")
            own = REPOSITORY / "src" / "own"
            if own.is_dir():
                shutil.copytree(own, draft / "own", ignore=shutil.ignore_patterns("__pycache__"))
            sizes = {str(path.relative_to(draft)): path.stat().st_size for path in draft.rglob("*") if path.is_file()}
            total = sum(sizes.values())
            if total > megabytes * 1e6:
                largest = sorted(sizes.items(), key=lambda item: -item[1])
                raise InputError(
                    f"the bundle would have {total / 1e6:.1f} MB, more than the {megabytes:g} allowed",
                    [f"{name}: {size / 1e6:.1f} MB" for name, size in largest],
                    "bundle a run of fewer folds or a smaller model, or raise --megabytes",
                )
        return total

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read what `save` wrote."""
        if not (folder / CARD).is_file():
            raise InputError(f"there is no bundle in {folder}", mend="name the folder that goldfold bundle wrote")
        card: dict[str, Any] = read_json(folder / CARD)
        return cls(
            name=card["name"],
            config=parse_config(card["config"], str(folder / CARD)),
            ensemble=Ensemble.load(folder / MODELS),
            versions=card["versions"],
        )

    def other_versions(self) -> list[str]:
        """List the libraries whose version here differs from the one in training, a line for each."""
        lines = []
        for name, trained in self.versions.items():
            try:
                here = version(name)
            except PackageNotFoundError:
                continue
            lines += [f"{name} {here} here, {trained} in training"] * (here != trained)
        return lines


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
