"""Read a competition's files, from Kaggle or a folder, and write params.yaml for them."""

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from goldfold.config.recipe import read_text
from goldfold.errors import InputError
from goldfold.init import Proposal, Setting, propose, proposed, require_committed, write, written
from goldfold.init.files import RAW, missing, slug_of, unpack_beside, unpack_download
from goldfold.init.params import PARAMS
from goldfold.kaggle import download, evaluation
from goldfold.programs import dvc
from goldfold.scratch import scratch_folder
from goldfold.tables import is_table

DEMO = Path("data/demo")
SEVERAL = ("id", "target", "classes", "metric", "labels", "missing", "extra", "join", "mask")
"""The settings of competition that may be lists or have arguments."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add where the files are, and settings that win."""
    parser.add_argument("source", metavar="SLUG | PATH", help="a competition's name on Kaggle, or a folder, zip or table")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings of competition that win, such as target=price")
    parser.add_argument("--yes", action="store_true", help="take the likelier answer to each question that the files leave open")
    parser.add_argument("--print", action="store_true", dest="show", help="print params.yaml, and leave it and DVC alone")


def run(args: argparse.Namespace) -> None:
    """Write params.yaml for the files and track them with DVC; with --print, print params.yaml instead."""
    if not PARAMS.is_file():
        raise InputError(f"there is no params.yaml in {Path.cwd()}", mend="run this in the root of the repository")
    if not args.show:
        require_committed()
    text = read_text(PARAMS)
    settings = _parsed(args.settings)
    folder, evaluation = _folder(args.source, settings)
    path = folder.as_posix() if _is_inside(folder) else str(Path(os.path.abspath(folder)))
    proposal = propose(folder, path, settings, evaluation, args.yes)
    text = proposed(text, proposal.settings)
    if args.show:
        print(text, end="")
        return
    _show(proposal)
    tracked = _track(folder)
    write(text)
    print(f"params.yaml now has these settings, with the reasons{tracked}")
    print("next: goldfold doctor, then make repro")


def _parsed(settings: Sequence[str]) -> dict[str, Any]:
    """`key=value` as settings of the section competition."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.removeprefix("competition.")
        if not equals:
            raise InputError(f"{setting} is not a setting", mend="give settings of competition as key=value, target=price")
        try:
            value = YAML(typ="safe").load(text)
        except YAMLError:
            value = text
        # A template, {file}.png, or a pattern is text, though YAML may see a mapping or a list.
        parsed[key] = text if isinstance(value, dict | list) and key not in SEVERAL else value
    return parsed


def _folder(source: str, settings: dict[str, Any]) -> tuple[Path, str]:
    """The folder with the files, unpacked, and Kaggle's name of the metric if they are from there."""
    path = Path(os.path.relpath(source)) if _is_inside(Path(source)) else Path(source)
    slug = slug_of(source)
    if path.is_dir():
        _require_apart(path)
        for message in unpack_beside(path):
            print(message)
        return path, ""
    if path.is_file() and is_table(path):
        settings.setdefault("train", path.name)
        settings.setdefault("name", path.name.partition(".")[0])
        return path.parent, ""
    if path.is_file():
        folder = RAW / path.stem
        _require_absent(folder)
        unpack_download(path, folder, keep=True)
        print(f"unpacked to {folder}")
        return folder, ""
    if slug is None:
        raise missing(source)
    print(f"there is no folder {source}, so it is a competition on Kaggle", flush=True)
    settings.setdefault("kaggle", slug)
    return _from_kaggle(slug)


def _from_kaggle(slug: str) -> tuple[Path, str]:
    folder = RAW / slug
    metric = evaluation(slug)
    if folder.is_dir():
        print(f"{folder} exists, and is not downloaded again")
        return folder, metric
    print(f"downloading {slug} from Kaggle", flush=True)
    downloads = scratch_folder() / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    unpack_download(download(slug, downloads), folder)
    print(f"unpacked to {folder}")
    return folder, metric


def _require_apart(folder: Path) -> None:
    """Raise InputError for a folder that holds data/raw, and so more than a competition."""
    here = Path.cwd().resolve()
    if (here / RAW).is_relative_to(folder.resolve()):
        raise InputError(f"{folder} holds more than a competition's files", mend=f"name a folder, such as {RAW}/titanic")


def _require_absent(folder: Path) -> None:
    if folder.exists():
        raise InputError(f"{folder} exists already", mend=f"goldfold init {folder} takes it as it is; or remove it first")


def _is_inside(folder: Path) -> bool:
    return Path(os.path.abspath(folder)).is_relative_to(Path.cwd())


def _show(proposal: Proposal) -> None:
    """Print what was worked out, and why."""
    competition = proposal.competition
    print(f"{len(competition.train)} training rows, {len(competition.test)} test rows")
    for setting in filter(_is_specific, proposal.settings):
        if setting.is_remark:
            print(f"{'':<17}  # {setting.why}")
        else:
            why = f"  # {setting.why}" if setting.why else ""
            print(f"{setting.key.removeprefix('competition.'):<17}  {written(setting.value)}{why}")


def _is_specific(setting: Setting) -> bool:
    """Whether a setting is about this competition rather than about training in general."""
    return setting.section in ("competition", "split", "model") and not setting.is_usual


def _track(folder: Path) -> str:
    """Have DVC track the files; return what to commit, or why they are not tracked."""
    if not _is_inside(folder) or folder.is_symlink():
        return f"\n{folder} is outside the repository: runs follow its changes, but DVC keeps no copy (move it to {RAW}/ for one)"
    if folder.resolve().is_relative_to(DEMO.resolve()):
        return ""
    print(f"dvc add {folder}", flush=True)
    done = dvc("add", str(folder))
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise InputError(f"DVC cannot track {folder}", said, f"mend that, then: dvc add {folder}; params.yaml is as it was")
    files = [PARAMS, folder.with_name(f"{folder.name}.dvc"), folder.with_name(".gitignore")]
    names = " ".join(shlex.quote(str(file)) for file in files if file.exists())
    return f"\nto keep it: git add {names} && git commit"
