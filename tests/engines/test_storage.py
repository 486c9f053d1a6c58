"""A folder in storage is whole or not there, whatever file system that is."""

import sys

import pytest

from goldfold.engines import storage
from goldfold.errors import InputError


@pytest.fixture(params=["a folder", "file://", "memory://"])
def address(request, tmp_path):
    where = tmp_path / "storage"
    return {"a folder": str(where), "file://": f"file://{where}", "memory://": f"memory://{tmp_path.name}"}[request.param]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder/deep").mkdir(parents=True)
    (tmp_path / "folder/deep/a").write_bytes(b"a" * 1000)
    (tmp_path / "folder/b").write_bytes(b"b")
    return tmp_path / "folder"


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_comes_back_as_it_was_put(address, folder, tmp_path):
    assert not storage.is_stored(f"{address}/x") and not storage.get(f"{address}/x", tmp_path / "back")
    storage.put(folder, f"{address}/x")
    assert storage.is_stored(f"{address}/x") and storage.get(f"{address}/x", tmp_path / "back")
    assert content(tmp_path / "back") == content(folder)
    storage.remove(f"{address}/x")
    assert not storage.is_stored(f"{address}/x") and storage.names(address) == []


def test_the_newest_that_is_whole_is_taken(address, folder, tmp_path):
    storage.put_newest(folder, f"{address}/s")
    (folder / "b").write_bytes(b"later")
    storage.put_newest(folder, f"{address}/s")
    (name,) = storage.names(f"{address}/s")
    assert name.startswith("000001-")
    # A later one was cut: its node was lost.
    (folder / "b").write_bytes(b"latest")
    with storage._opened(f"{address}/s") as (system, path):
        system.makedirs(f"{path}/000002-x", exist_ok=True)
        system.put_file(str(folder / "b"), f"{path}/000002-x/b")
    assert storage.names(f"{address}/s") == [name, "000002-x"]
    assert storage.get_newest(f"{address}/s", tmp_path / "back")
    assert content(tmp_path / "back")["b"] == b"later"


def test_an_altered_file_is_not_taken(folder, tmp_path):
    storage.put(folder, str(tmp_path / "x"))
    (tmp_path / "x/b").write_bytes(b"c")
    (tmp_path / "back").mkdir()
    assert not storage.get(str(tmp_path / "x"), tmp_path / "back") and (tmp_path / "back").is_dir()


def test_an_address_that_cannot_be_reached_is_one_message(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"runtime.storage: .*/file/x cannot be read or written"):
        storage.put(folder, str(tmp_path / "file/x"))
    with pytest.raises(InputError, match=r"runtime.storage: nonsense://x cannot be read"):
        storage.is_stored("nonsense://x")
    with pytest.raises(InputError, match=r"(?s)another package.*s3fs.*on all nodes"):
        storage.is_stored("s3://x")
