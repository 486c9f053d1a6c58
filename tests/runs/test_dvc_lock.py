"""DVC's own files that a kill left cut are mended, and those that it is writing are left alone."""

import fcntl
import json
from pathlib import Path

import pytest

from goldfold.cli.main import run_command
from goldfold.doctor import repository
from goldfold.errors import InputError
from goldfold.runs.dvc_lock import mend_dvc_files
from goldfold.runs.paths import PREPARED

RWLOCK = Path(".dvc/tmp/rwlock")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    RWLOCK.parent.mkdir(parents=True)


@pytest.mark.parametrize("content", ["", '{"write": {"/data": {"pid": 1, "c', "null"])
def test_a_cut_rwlock_is_found_by_the_doctor_and_mended_by_check_and_resume(content, capsys):
    for command in ("check", "resume"):
        RWLOCK.write_text(content)
        assert repository.dvc().state == "wrong" and "goldfold check" in repository.dvc().mend
        with pytest.raises(InputError, match=r"params\.yaml"):
            run_command([command])
        assert not RWLOCK.exists() and f"{RWLOCK} was cut by a kill of DVC" in capsys.readouterr().out


def test_a_cut_dvc_lock_is_mended_and_what_is_whole_stays():
    whole = "schema: '2.0'\nstages:\n  prepare:\n    cmd: python\n"
    RWLOCK.write_text(json.dumps({"write": {}, "read": {}}))
    Path("dvc.lock").write_text(whole)
    mend_dvc_files()
    assert RWLOCK.exists() and Path("dvc.lock").read_text() == whole
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  prepare: {cmd: [")
    mend_dvc_files()
    assert not Path("dvc.lock").exists()


def test_a_file_that_a_dvc_writes_just_now_is_left_to_it():
    RWLOCK.write_text("")
    with Path(".dvc/tmp/rwlock.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        mend_dvc_files()
    assert RWLOCK.exists()


def test_a_mount_that_dvc_cannot_replace_is_told(monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda folder: folder == PREPARED)
    with pytest.raises(
        InputError, match="DVC cannot replace a folder that is a mount of its own\n  data/prepared\nTo mend it: mount data "
    ):
        run_command(["check"])
