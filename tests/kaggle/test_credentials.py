"""Credentials are found where Kaggle's client looks for them, without the client."""

import builtins

import pytest

from goldfold.errors import InputError
from goldfold.kaggle import download, find_credentials


def test_none_are_found_in_an_empty_home(home):
    assert find_credentials() is None


def test_they_are_found_in_the_clients_order(home, monkeypatch):
    folder = home / ".kaggle"
    folder.mkdir()
    (folder / "credentials.json").write_text('{"refresh_token": "x"}')
    assert find_credentials().source == str(folder / "credentials.json")
    (folder / "kaggle.json").write_text('{"username": "ann", "key": "x"}')
    assert find_credentials().source == str(folder / "kaggle.json")
    monkeypatch.setenv("KAGGLE_USERNAME", "ann")
    monkeypatch.setenv("KAGGLE_KEY", "x")
    assert find_credentials().source == "KAGGLE_USERNAME and KAGGLE_KEY"
    (folder / "access_token").write_text("x\n")
    assert find_credentials().path == folder / "access_token"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "x")
    assert find_credentials().source == "KAGGLE_API_TOKEN"


def test_an_empty_or_broken_file_holds_none(home):
    folder = home / ".kaggle"
    folder.mkdir()
    (folder / "kaggle.json").write_text("{")
    (folder / "access_token").write_text("\n")
    assert find_credentials() is None


def test_a_file_that_others_can_read_is_known(home):
    path = home / ".kaggle" / "access_token"
    path.parent.mkdir()
    path.write_text("x")
    path.chmod(0o644)
    assert find_credentials().is_open
    path.chmod(0o600)
    assert not find_credentials().is_open


def test_without_the_client_its_installation_is_told(home, monkeypatch, tmp_path):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "x")
    real = builtins.__import__

    def without_kaggle(name, *rest, **more):
        if name.partition(".")[0] == "kaggle":
            raise ModuleNotFoundError("no kaggle", name="kaggle")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_kaggle)
    with pytest.raises(InputError, match=r"(?s)not installed.*pip install -r requirements-kaggle.txt"):
        download("titanic", tmp_path)
