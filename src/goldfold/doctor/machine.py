"""The machine: Python, packages, GPU, shared memory, cores."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from goldfold import process
from goldfold.doctor.result import CheckResult, note, ok, wrong

OLDEST = (3, 11)
SHARED = Path("/dev/shm")
LEAST_SHARED = 512 * 2**20


def python() -> CheckResult:
    """Check that Python is new enough."""
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        return wrong("python", here, f"install Python {'.'.join(map(str, OLDEST))} or newer, and name it: make repro PYTHON=…")
    return ok("python", here)


def packages(requirements: Path = Path("requirements.txt")) -> CheckResult:
    """Check that the packages of requirements.txt are installed, in the pinned versions or in the ranges of a notebook's."""
    if not requirements.is_file():
        return wrong("packages", f"there is no {requirements}", f"git restore {requirements}")
    problems = _differing(requirements)
    if not problems:
        return ok("packages", f"in the versions that {requirements} pins")
    ranges = requirements.with_name("requirements-notebook.txt")
    if ranges.is_file() and not _differing(ranges):
        return note("packages", f"in the ranges of {ranges}, not as {requirements} pins them: {_few(problems)}")
    return wrong("packages", _few(problems), f"make env, or pip install -r {requirements} -c constraints.txt")


def _differing(requirements: Path) -> list[str]:
    """Say of each package that a file of requirements asks for, and that is not there in such a version, what is."""
    problems = []
    for line in re.findall(r"^[\w.-]+[<>=~!]\S+", requirements.read_text(encoding="utf-8"), re.MULTILINE):
        asked = Requirement(line)
        try:
            installed = version(asked.name)
        except PackageNotFoundError:
            problems.append(f"{asked.name} is missing")
            continue
        if not asked.specifier.contains(installed, prereleases=True):
            problems.append(f"{asked.name} is {installed}, not {str(asked.specifier).removeprefix('==')}")
    return problems


def _few(problems: list[str]) -> str:
    return ", ".join(problems[:5]) + (f" and {len(problems) - 5} more" if len(problems) > 5 else "")


def gpu() -> CheckResult:
    """Check that torch can use the machine's GPU."""
    driver = _driver()
    if driver is None and sys.platform != "darwin":
        return note("gpu", "none; the CPU trains")
    import torch

    if torch.cuda.is_available():
        return ok("gpu", ", ".join(torch.cuda.get_device_name(device) for device in range(torch.cuda.device_count())))
    if driver is None:
        return ok("gpu", "the Mac's own") if torch.backends.mps.is_available() else note("gpu", "none; the CPU trains")
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    return wrong(
        "gpu",
        f"this machine has one (driver {driver}), but torch {torch.__version__}, built for {built}, cannot use it",
        "update the driver, or install a torch for its CUDA version: https://pytorch.org/get-started/locally; "
        "CUDA_VISIBLE_DEVICES may hide it too",
    )


def _driver() -> str | None:
    """Return the version of NVIDIA's driver; None without one."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return "that does not answer"
    versions = asked.stdout.split()
    return versions[0] if asked.returncode == 0 and versions else None


def shared_memory(folder: Path = SHARED) -> CheckResult:
    """Check that loader processes have the shared memory to hand over their batches."""
    if not folder.is_dir():
        return ok("memory", "loader processes need no /dev/shm here")
    size = shutil.disk_usage(folder).total
    message = f"{size / 2**30:.1f} GB in {folder} for the batches of loader processes"
    if size < LEAST_SHARED:
        return wrong("memory", message, "docker run --shm-size=8g (or --ipc=host), or set train.workers: 0")
    return ok("memory", message)


def cores(quota: Path = process.QUOTA) -> CheckResult:
    """Check that there are no more threads than cores to use."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS", "")
    message = f"{here}" + (f", OMP_NUM_THREADS={threads}" if threads else "")
    lent = process.cores(quota)
    if lent < here and not threads:
        return wrong("cores", f"{message}, of which this container may use {lent}", f"export OMP_NUM_THREADS={lent}")
    return ok("cores", message)
