"""Each check finds what is wrong, and says how to mend it."""

import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pandas as pd
import pytest
import torch

from goldfold.config import parse_config
from goldfold.doctor import machine, repository, services
from goldfold.doctor.checks import examine
from goldfold.doctor.result import CheckResult
from goldfold.errors import InputError

ROOT = Path(__file__).parents[2]
Usage = namedtuple("Usage", "total used free")


def config_of(path, modality="table", **sections):
    model = {"name": "resnet18", **sections.pop("model", {})} if modality == "image" else sections.pop("model", {})
    return parse_config({"competition": {"path": str(path), "modality": modality}, "model": model, **sections})


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to stand in, below no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def competition(here):
    root = here / "data/raw/mine"
    root.mkdir(parents=True)
    rows = pd.DataFrame({"id": range(20), "size": range(20, 0, -1), "y": [0, 1] * 10})
    rows.to_csv(root / "train.csv", index=False)
    rows[:4].drop(columns="y").assign(id=range(50, 54)).to_csv(root / "test.csv", index=False)
    return Path("data/raw/mine")


def test_an_input_error_becomes_one_line():
    result = CheckResult.of("data", InputError("two rows are bad", ["row 2: ?", "row 3: !"], "correct them"))
    assert (result.state, result.message, result.mend) == ("wrong", "two rows are bad: row 2: ?; row 3: !", "correct them")


def test_packages_that_differ_from_the_pins_are_named(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# pins\npytest==0.0.1\nno-such-package==1.0\n")
    result = machine.packages(path)
    assert result.state == "wrong" and "pytest is " in result.message and "no-such-package is missing" in result.message
    path.write_text(f"pytest=={pytest.__version__}\n")
    assert machine.packages(path).state == "ok"


def test_packages_of_a_notebook_may_be_in_its_ranges(tmp_path):
    pins, ranges = tmp_path / "requirements.txt", tmp_path / "requirements-notebook.txt"
    pins.write_text("pytest==0.0.1\nno-such-package==1.0\n")
    ranges.write_text("pytest>=8,<99\n")
    result = machine.packages(pins)
    assert result.state == "note" and "not 0.0.1, no-such-package is missing" in result.message
    ranges.write_text("pytest>=98\n")
    assert machine.packages(pins).state == "wrong"


def test_a_gpu_that_torch_cannot_use_is_reported_with_both_versions(here, monkeypatch):
    command = here / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 470.42\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = machine.gpu()
    assert result.state == "wrong" and "driver 470.42" in result.message and torch.__version__ in result.message
    command.write_text("#!/bin/sh\nexit 9\n")
    assert machine.gpu().state != "wrong"


def test_a_small_shared_memory_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(64 * 2**20, 0, 0))
    result = machine.shared_memory(tmp_path)
    assert result.state == "wrong" and "--shm-size" in result.mend
    assert machine.shared_memory(tmp_path / "none").state == "ok"


def test_a_container_that_lends_fewer_cores_than_it_shows_is_reported(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    quota = tmp_path / "cpu.max"
    quota.write_text("200000 100000\n")
    assert machine.cores(quota).mend == "export OMP_NUM_THREADS=2"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert machine.cores(quota).state == "ok"
    monkeypatch.delenv("OMP_NUM_THREADS")
    quota.write_text("max 100000\n")
    assert machine.cores(quota).state == "ok"


def test_a_repository_without_a_commit_is_wrong(here):
    assert repository.git().mend.startswith("git init")
    subprocess.run(["git", "init", "-q"], check=True)
    assert "no commit" in repository.git().message
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *who, "commit", "-qm", "x", "--allow-empty"], check=True)
    assert repository.git().state == "ok"


def test_mistakes_in_params_yaml_are_reported_on_one_line(here):
    (here / "params.yaml").write_text("competition: {path: x}\nmodel: {name: resnet18}\ntrain: {epcohs: 3}\n")
    result, config = repository.settings()
    assert (
        config is None
        and "train.epcohs: there is no such key; did you mean epochs?" in result.message
        and "\n" not in result.message
    )


def test_data_is_there_tracked_and_reads_as_params_yaml_says(competition):
    result = repository.data(config_of(competition))
    assert result.state == "wrong" and result.mend == "dvc add data/raw/mine"
    Path("data/raw/mine.dvc").touch()
    result = repository.data(config_of(competition))
    assert result.state == "ok" and "20 training rows, 4 test rows, binary" in result.message
    (competition / "train.csv").write_text("id,size,y\n1,2,\n")
    assert "rows without y: 1" in repository.data(config_of(competition)).message


def test_data_that_is_not_here_is_fetched_or_named(here):
    assert "goldfold init" in repository.data(config_of("data/raw/mine")).mend
    (here / "data/raw").mkdir(parents=True)
    (here / "data/raw/mine.dvc").touch()
    assert "dvc pull data/raw/mine.dvc" in repository.data(config_of("data/raw/mine")).mend
    assert repository.data(config_of("data/demo/digits")).state == "ok"


def test_data_outside_of_the_repository_is_a_note(competition, here, monkeypatch):
    (here / "repository").mkdir()
    monkeypatch.chdir(here / "repository")
    result = repository.data(config_of(here / competition))
    assert result.state == "note" and "keeps no copy" in result.message


def test_a_full_disk_is_wrong(competition, monkeypatch):
    assert repository.disk(config_of(competition)).state == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**20))
    result = repository.disk(config_of(competition))
    assert result.state == "wrong" and "dvc gc" in result.mend


def test_a_store_that_does_not_answer_and_records_that_wait_are_reported(here, monkeypatch):
    assert services.tracking().state == "ok"
    record = here / ".goldfold/outbox/1-key"
    record.mkdir(parents=True)
    (record / "record.json").write_text("{}")
    assert (result := services.tracking()).state == "note" and "1 records wait" in result.message
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    result = services.tracking()
    assert result.state == "wrong" and "does not answer" in result.message and "1 records wait" in result.message


def test_weights_that_are_not_there_are_wrong(here, monkeypatch):
    from goldfold.modalities.image import pretrained

    assert services.weights(config_of("x")).state == "ok"
    lost = services.weights(config_of("x", "image", model={"pretrained": True, "weights": "mine.safetensors"}))
    assert lost.message == "there is no mine.safetensors"
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)
    asked = config_of("x", "image", model={"pretrained": True})
    assert "resnet18" in services.weights(asked).message and services.weights(asked).state == "wrong"
    monkeypatch.setattr(pretrained, "where_from", lambda _: "the local cache")
    assert services.weights(asked).message == "resnet18 from the local cache"


def test_credentials_are_optional_but_must_be_private(here, monkeypatch):
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(here))
    assert services.kaggle().state == "note"
    path = here / ".kaggle/access_token"
    path.parent.mkdir()
    path.write_text("x")
    path.chmod(0o644)
    assert services.kaggle().mend == f"chmod 600 {path}"
    path.chmod(0o600)
    assert services.kaggle().state in ("ok", "note") and str(path) in services.kaggle().message


def test_all_other_checks_run_when_params_yaml_has_mistakes(here):
    shutil.copy(ROOT / "requirements.txt", here)
    (here / "params.yaml").write_text("competition: 3\n")
    states = {result.name: result.state for result in examine()}
    assert states["params.yaml"] == "wrong" and {"python", "packages", "gpu", "git", "tracking", "kaggle"} <= set(states)
    assert "data" not in states
