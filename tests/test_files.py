import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from goldfold.errors import DiskError
from goldfold.files import DRAFTS, DamagedError, drafted, folder_written_whole, read_json, read_parquet, write_json, written_whole
from goldfold.scratch import read_kept

SOURCE = Path(__file__).parents[1] / "src"


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(RuntimeError), written_whole(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert read_json(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_number_that_is_none_is_refused_before_the_file_is_touched(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert read_json(tmp_path / "a.json") == 1


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "f"
    with folder_written_whole(folder) as draft:
        (draft / "old").touch()
    with pytest.raises(RuntimeError), folder_written_whole(folder) as draft:
        (draft / "new").touch()
        raise RuntimeError
    assert [path.name for path in folder.iterdir()] == ["old"]
    with folder_written_whole(folder) as draft:
        (draft / "new").touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_after(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append(Path(f"/proc/self/fd/{file}").readlink()) or sync(file))
    monkeypatch.setattr(os, "replace", lambda source, target: done.append("replaced") or replace(source, target))
    with folder_written_whole(tmp_path / "f") as folder:
        (folder / "a").write_text("1")
    assert set(done[:-2]) == {folder, folder / "a"} and done[-2:] == ["replaced", tmp_path]
    done.clear()
    with written_whole(tmp_path / "b") as draft:
        draft.write_text("1")
    assert done == [draft, "replaced", tmp_path]


def write_and_wait(folder, wait):
    """Another process that writes drafts, or has been killed while it wrote them."""
    code = f"""
import os, signal, sys, pathlib
from goldfold.files import folder_written_whole, written_whole
here = pathlib.Path({str(folder)!r})
with written_whole(here / "file") as file, folder_written_whole(here / "folder") as folder:
    file.write_text("half")
    (folder / "a").write_text("half")
    print("writing", flush=True)
    sys.stdin.readline() if {wait} else os.kill(os.getpid(), signal.SIGKILL)
"""
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    started = subprocess.Popen([sys.executable, "-c", code], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout.readline() == "writing\n"
    return started


def test_drafts_of_dead_processes_go_before_the_next_is_written_and_those_of_the_living_stay(tmp_path):
    write_and_wait(tmp_path, wait=False).wait()
    assert len(list(tmp_path.glob(DRAFTS))) == 2
    with write_and_wait(tmp_path, wait=True) as living:
        write_json(tmp_path / "a.json", 1)
        assert len(list(tmp_path.glob(DRAFTS))) == 2
        living.communicate("\n")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "file", "folder"}
    assert (tmp_path / "folder/a").read_text() == "half"


def test_git_and_dvc_overlook_drafts(tmp_path):
    root = SOURCE.parent
    with drafted(tmp_path / "prepared") as draft:
        name = draft.name
    asked = subprocess.run(["git", "check-ignore", f"data/{name}", name], cwd=root, capture_output=True, text=True, check=False)
    assert asked.stdout.split() == [f"data/{name}", name]
    assert ".*.draft" in (root / ".dvcignore").read_text().splitlines()


def test_a_disk_that_is_full_is_told_with_where_and_what_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/venv/bin/goldfold", "report", "mine"])
    with pytest.raises(DiskError) as full, written_whole(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    said = str(full.value)
    assert said.startswith(f"the disk is full\n  {tmp_path}/a.json: ") and "MB are free there" in said
    assert said.endswith("then go on with goldfold report mine") and full.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_behind_an_error_of_a_library_is_found(tmp_path):
    code = f"""
import pathlib, resource, torch
from goldfold.files import written_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
with written_whole(pathlib.Path({str(tmp_path)!r}) / "a.pt") as draft:
    torch.save(torch.zeros(2**20), draft)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True
    )
    assert "goldfold.errors.DiskError: a file may not grow as large here" in done.stderr and list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_mount_is_emptied_and_filled(tmp_path, monkeypatch):
    folder, rename = tmp_path / "f", os.rename
    folder.mkdir()
    (folder / "old").touch()

    def busy(source, target):
        if source == folder:
            raise OSError(errno.EBUSY, "Device or resource busy")
        rename(source, target)

    monkeypatch.setattr(os, "rename", busy)
    with folder_written_whole(folder) as draft:
        (draft / "new").mkdir()
        (draft / "new/a").write_text("1")
    assert [path.name for path in folder.iterdir()] == ["new"] and (folder / "new/a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("read", [read_json, read_parquet])
@pytest.mark.parametrize("content", [None, b"", b'{"a', b"PAR1", b"\xff\x00 rubbish"])
def test_a_file_of_ours_that_is_gone_or_damaged_is_a_message(tmp_path, read, content):
    path = tmp_path / "a file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DamagedError, match=rf"{path} is gone, cut or altered(.|\n)*make repro"):
        read(path)


def test_a_damaged_file_in_scratch_is_deleted_and_told(tmp_path, capsys):
    path = tmp_path / "a.json"
    assert read_kept(path) is None
    write_json(path, {"a": 1})
    assert read_kept(path) == {"a": 1}
    path.write_text('{"a')
    assert read_kept(path) is None and not path.exists()
    assert "is cut or altered; it is deleted, and made again" in capsys.readouterr().err
