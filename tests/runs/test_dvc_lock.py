"""DVC's own files that a kill left cut are mended, and those that it is writing are left alone."""

import fcntl
import json
import os
from hashlib import md5
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
        assert not RWLOCK.exists() and f"{RWLOCK} was cut by a kill" in capsys.readouterr().out


def test_a_cut_dvc_lock_is_mended_and_what_is_whole_stays():
    whole = "schema: '2.0'\nstages:\n  prepare:\n    cmd: python\n"
    RWLOCK.write_text(json.dumps({"write": {}, "read": {}}))
    Path("dvc.lock").write_text(whole)
    mend_dvc_files()
    assert RWLOCK.exists() and Path("dvc.lock").read_text() == whole
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  prepare: {cmd: [")
    mend_dvc_files()
    assert not Path("dvc.lock").exists()


LOCK = """schema: '2.0'
stages:
  validate:
    cmd: python
    outs:
    - {path: oof.parquet, hash: md5, md5: %s, size: %d}
    - {path: folds, hash: md5, md5: 0123456789abcdef0123456789abcdef.dir, size: 10, nfiles: 2}
"""


def kept(content):
    """What DVC keeps a copy of: its name, and the copy."""
    name = md5(content).hexdigest()
    copy = Path(".dvc/cache/files/md5", name[:2], name[2:])
    copy.parent.mkdir(parents=True)
    copy.write_bytes(content)
    return name, copy


@pytest.mark.parametrize(("cut", "size"), [(0, 9), (0, 0), (4, 9)])
def test_a_cut_copy_of_an_output_is_deleted_with_the_output(cut, size, capsys):
    """DVC links outputs to its copies, and would bring back what is cut."""
    (name, copy), (_, spared) = kept(b"the table"), kept(b"fold 0")
    (other, in_folder) = kept(b"fold")
    files = [{"md5": other, "relpath": "1/model"}, {"md5": md5(b"fold 0").hexdigest(), "relpath": "0/model"}]
    listed = Path(".dvc/cache/files/md5/01/23456789abcdef0123456789abcdef.dir")
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(json.dumps(files))
    Path("dvc.lock").write_text(LOCK % (name, size))
    Path("folds/1").mkdir(parents=True)
    for path, of in ((copy, Path("oof.parquet")), (in_folder, Path("folds/1/model"))):
        os.link(path, of)
    if size:
        mend_dvc_files()
        assert copy.exists() and in_folder.exists() and not capsys.readouterr().out
    os.truncate(copy, cut)
    os.truncate(in_folder, cut and cut - 1)
    assert repository.dvc().state == "wrong"
    mend_dvc_files()
    gone = (copy, in_folder, Path("oof.parquet"), Path("folds/1/model"))
    assert not any(path.exists() for path in gone) and spared.exists()
    assert capsys.readouterr().out.count("was cut by a kill, or by the disk") == 4


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
