"""Stand-ins for Kaggle and Colab: their folders, their environment, what is attached read-only, and no network."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from tests.conftest import ROOT

SOURCE = "https://github.com/YOU/goldfold"
SEALED = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
"""Mounts a folder over itself, for reading alone, before it runs a command."""
COLAB_MODULE = "def mount(path):\n    print('Mounted at', path)\n"


def can_be_sealed(folder: Path) -> bool:
    """Whether this machine lets a process have no network, and a folder that is read-only even to root."""
    return subprocess.run([*_sealed(folder), "true"], capture_output=True, check=False).returncode == 0


def _sealed(folder: Path) -> list[str]:
    return ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", SEALED, str(folder)]


class _Kernel(AsyncKernelManager):
    """A kernel that is started by a command of its own."""

    command: ClassVar[list[str]]

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=self.command, display_name="Python 3", language="python")


@dataclass
class Session:
    """A fresh machine whose `python` has the libraries; `attached` is what it may only read, `kept` what outlives it."""

    python: str
    folder: Path
    attached: Path
    kept: Path
    told: dict[str, str]

    def run(self, name: str, changes: dict[str, str]) -> str:
        """Run a notebook with changes of its code; return what it printed, or raise what a cell raised."""
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        for old, new in changes.items():
            assert sum(old in cell.source for cell in notebook.cells) == 1, old
            for cell in notebook.cells:
                cell.source = cell.source.replace(old, new)
        binaries = self._environment()
        kernel = _Kernel(transport="ipc", connection_file=str(self.folder / "kernel.json"))
        start = [str(binaries / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.command = [*_sealed(self.attached), *start]
        path = f"{binaries}{os.pathsep}{Path(self.python).parent}{os.pathsep}{os.environ['PATH']}"
        left_out = ("MLFLOW_", "DVC_", "GIT_", "PYTHON", "PYTEST", "KAGGLE_", "COLAB_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        settings = {
            "PATH": path,
            "TMPDIR": str(self.folder),
            "HOME": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "PIP_RETRIES": "0",
        }
        try:
            client = NotebookClient(notebook, km=kernel, timeout=600, resources={"metadata": {"path": str(self.kept)}})
            client.execute(cleanup_kc=True, env={**inherited, **settings, **self.told})
        finally:
            outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.get("outputs", [])]
            said = "".join(output.get("text", "") for output in outputs)
            (self.folder / "said.txt").write_text(said)
        return said

    def _environment(self) -> Path:
        """Make an environment that finds the libraries of `python`, and has none of goldfold; return its folder of programs."""
        folder = self.folder / "environment"
        subprocess.run([self.python, "-m", "venv", folder], check=True)
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        libraries = subprocess.run([self.python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
        (site,) = (folder / "lib").glob("python*/site-packages")
        (site / "host.pth").write_text(libraries)
        # An environment's own would stand before the host's, which its torch may want newer.
        for old in site.glob("setuptools*"):
            shutil.rmtree(old)
        if "COLAB_RELEASE_TAG" in self.told:
            (site / "google/colab").mkdir(parents=True)
            (site / "google/colab/drive.py").write_text(COLAB_MODULE)
        return folder / "bin"


def on_kaggle(python: str, folder: Path, attached: dict[str, Path]) -> Session:
    """A session on Kaggle, with folders attached by the paths that they have below /kaggle/input."""
    for path, source in attached.items():
        shutil.copytree(source, folder / "kaggle/input" / path)
    kept = folder / "kaggle/working"
    kept.mkdir(parents=True)
    told = {"KAGGLE_KERNEL_RUN_TYPE": "Batch", "KAGGLE_WORKING": str(kept)}
    return Session(python, folder, folder / "kaggle/input", kept, told)


def on_colab(python: str, folder: Path, drive: Path) -> Session:
    """A session on Colab, with a folder of Drive that is written to; what is read alone there is the folder `sample_data`."""
    content = folder / "content"
    (content / "drive/MyDrive").mkdir(parents=True)
    (content / "sample_data").mkdir()
    (content / "drive/MyDrive/goldfold").symlink_to(drive)
    told = {"COLAB_RELEASE_TAG": "release-colab", "COLAB_CONTENT": str(content)}
    return Session(python, folder, content / "sample_data", drive, told)


PYTHONS = os.environ.get("NOTEBOOK_PYTHONS", "").split()
"""The environments to run them in; none where `make notebooks-test` did not ask."""
assert all(Path(python).exists() for python in PYTHONS), f"{PYTHONS}, asked by {sys.argv}"
