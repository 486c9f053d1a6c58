"""Whole runs in copies of the working tree. One session fixture runs the embedded competition; the tests copy what it left."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.conftest import DEMO_PARAMS, ROOT
from tests.pipeline.warm import warm_programs

from goldfold.tracking.files import local_folder

COMPETITORS = ("params.yaml", "dvc.lock", "data/demo/dvc.lock", "src/own/", "data/raw/", "experiments/")
"""What is the competitor's in the working tree: a clone has what goldfold ships in its place."""


COLD = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""The path to programs that begin as a person's do."""


@dataclass
class Clone:
    """A repository to run commands in, with its own MLflow store; `path` is where its programs are looked for."""

    folder: Path
    path: str
    log: str = ""

    def env(self, **more: str) -> dict[str, str]:
        left_out = ("MLFLOW_", "DVC_", "GIT_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        who = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
        # Compiled modules stay with a clone and its copies.
        settings = {"COLUMNS": "160", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
        return {**inherited, **who, "PATH": self.path, **settings, **more}

    def run(self, *command: str, expect: int | None = 0, **env: str) -> str:
        """Run a command in the clone; return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env(**env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert expect is None or done.returncode == expect, done.stdout
        return done.stdout

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env(**env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def copy_to(self, folder: Path) -> "Clone":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder, self.path)

    def runs(self) -> list[Any]:
        """Every run of the clone's store, oldest first."""
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(reversed(client.search_runs(experiments, max_results=1000)))

    def parents(self) -> list[Any]:
        return [run for run in self.runs() if "mlflow.parentRunId" not in run.data.tags]

    def model(self, run: Any) -> Path:
        """The folder of a run's model."""
        from mlflow import MlflowClient

        (output,) = run.outputs.model_outputs
        client = MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")
        folder = local_folder(client.get_logged_model(output.model_id).artifact_location)
        assert folder is not None
        return folder

    def children(self, parent: Any) -> list[Any]:
        return [run for run in self.runs() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]


def copy_of_the_working_tree(folder: Path, path: str = COLD) -> Clone:
    """What a fresh clone of goldfold would hold if all of it here were committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(COMPETITORS) or not (ROOT / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(DEMO_PARAMS, folder / "params.yaml")
    shutil.copytree(ROOT / "experiments/recipes", folder / "experiments/recipes")
    for name in ("src/own/__init__.py", "data/raw/.gitkeep"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    clone = Clone(folder, path)
    clone.run("git", "init", "-q", "-b", "main")
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "clone")
    return clone


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path to programs that are forked from a process with the libraries imported."""
    with warm_programs(tmp_path_factory.mktemp("warm")) as folder:
        yield f"{folder}{os.pathsep}{COLD}"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Clone:
    """A clone in which `dvc repro` and `goldfold summary` ran with the default settings, and the result is committed.

    They ran as a person runs them; what runs in the clone and its copies later is forked from the warm process. pytest-xdist's
    processes share it: the first to ask makes it.
    """
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    folder, log = shared / "finished/goldfold", shared / "finished/log.txt"
    with FileLock(shared / "finished.lock"):
        if not log.is_file():
            clone = copy_of_the_working_tree(folder)
            # Two folds at once; all other runs share the cores with other tests.
            said = clone.run("dvc", "repro", OMP_NUM_THREADS="2") + clone.run("goldfold", "summary")
            clone.run("git", "add", "-A")
            clone.run("git", "commit", "-qm", "result")
            log.write_text(said)
    return Clone(folder, warm, log.read_text())


@pytest.fixture
def clone(finished: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished clone, to change."""
    return finished.copy_to(tmp_path / "goldfold")


@pytest.fixture
def fresh(tmp_path: Path, warm: str) -> Clone:
    """A clone in which nothing ran yet."""
    return copy_of_the_working_tree(tmp_path / "goldfold", warm)


@pytest.fixture(scope="session")
def set_params() -> Callable[..., None]:
    """Change values of a clone's params.yaml by dotted keys."""
    from ruamel.yaml import YAML

    def change(clone: Clone, **values: Any) -> None:
        yaml = YAML()
        path = clone.folder / "params.yaml"
        tree = yaml.load(path.read_text())
        for key, value in values.items():
            *sections, last = key.split("__")
            place = tree
            for section in sections:
                place = place[section]
            place[last] = value
        with path.open("w") as file:
            yaml.dump(tree, file)

    return change
