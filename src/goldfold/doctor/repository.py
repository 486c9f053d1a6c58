"""The repository: git, settings, data, disk."""

import os
import shutil
import subprocess
from pathlib import Path

from goldfold.competition import read_competition
from goldfold.competition.file_kind import kind_of_files
from goldfold.competition.row_files import files_of_kind
from goldfold.config import Config, load_config
from goldfold.doctor.result import CheckResult, note, ok, wrong
from goldfold.errors import InputError
from goldfold.runs.dvc_lock import cut_dvc_files

MOST_READ = 500 * 2**20
"""The most bytes of tables to read for a check."""
CHECKPOINT = 200 * 2**20
SPARE = 2**30
DEMO = Path("data/demo")


def git() -> CheckResult:
    """Check that there is a commit, by which runs differ."""
    if shutil.which("git") is None:
        return wrong("git", "it is not installed", "install git")
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if asked.returncode:
        return wrong("git", "no commit here, and DVC's experiments need one", "git init && git add -A && git commit -m start")
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False).stdout.splitlines()
    return ok("git", f"commit {asked.stdout.strip()}" + (f", {len(changed)} files changed since" if changed else ""))


def dvc() -> CheckResult:
    """Check that DVC is installed and set up here."""
    if shutil.which("dvc") is None:
        return wrong("dvc", "there is no command dvc", "activate the environment: . .venv/bin/activate (make env builds it)")
    if not Path(".dvc").is_dir():
        return wrong("dvc", "this is not a DVC repository", "git restore .dvc, or dvc init")
    if cut := cut_dvc_files():
        return wrong(
            "dvc", f"cut by a kill: {', '.join(map(str, cut))}", "goldfold check, which make repro begins with, mends that"
        )
    return ok("dvc", "here")


def settings() -> tuple[CheckResult, Config | None]:
    """Check params.yaml; the config is None if it has mistakes."""
    try:
        config = load_config()
    except InputError as error:
        return CheckResult.of("params.yaml", error), None
    return ok("params.yaml", "all keys and values are valid"), config


def data(config: Config) -> CheckResult:
    """Check that the competition's files are here, tracked, and readable by params.yaml."""
    path = Path(config.competition.path)
    tracked = path.with_name(f"{path.name}.dvc").is_file() or DEMO in path.parents
    if not path.is_dir():
        if DEMO in path.parents:
            return ok("data", f"{path} is made by dvc repro")
        if tracked:
            return wrong("data", f"DVC tracks {path}, but it is not here", f"dvc checkout {path}.dvc, or dvc pull {path}.dvc")
        mend = "goldfold init SLUG fetches a competition from Kaggle, goldfold init PATH takes your own files"
        return wrong("data", f"there is no {path}", mend)
    if not os.access(path, os.R_OK | os.X_OK):
        return wrong("data", f"you may not read {path}", f"chmod -R u+rX {path}")
    tables = [file for file in path.glob("*") if file.suffix in (".csv", ".tsv", ".parquet", ".zip") and file.is_file()]
    size = sum(file.stat().st_size for file in tables)
    if size > MOST_READ:
        return note("data", f"{path} is there; its tables ({size / 2**30:.1f} GB) are left to dvc repro prepare")
    try:
        competition = read_competition(config.competition, config.prepare)
    except InputError as error:
        return CheckResult.of("data", error)
    message = f"{path}: {len(competition.train)} training rows, {len(competition.test)} test rows, {competition.problem.task}"
    if not tracked and not Path(os.path.abspath(path)).is_relative_to(Path.cwd()):
        return note("data", f"{message}; outside this repository, so DVC keeps no copy")
    if not tracked:
        return wrong("data", f"{message}; DVC does not track it", f"dvc add {path}")
    return ok("data", message)


def disk(config: Config) -> CheckResult:
    """Check that the disk has room for the prepared set and the checkpoints, by a generous estimate."""
    path = Path(config.competition.path)
    prepare, model = config.prepare.model_dump(), config.model.model_dump()
    side = prepare.get("image_size") or (prepare.get("image") or {}).get("image_size")
    images = len(files_of_kind(path, kind_of_files(config.competition.modality))) if side and path.is_dir() else 0
    inputs = images * 3 * (side or 0) ** 2 * 4 // 3
    trainings = len(config.trainings)
    needed = inputs + trainings * (CHECKPOINT if "image" in config.competition.modality or "weights" in model else 0) + SPARE
    free = shutil.disk_usage(".").free
    message = f"{free / 2**30:.0f} GB free, up to {needed / 2**30:.1f} GB needed"
    if free < needed:
        return wrong("disk", message, "make room (dvc gc --workspace drops old results), or lower prepare.image_size")
    return ok("disk", message)
