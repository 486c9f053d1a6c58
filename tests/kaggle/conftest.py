"""A stand-in for Kaggle, and a home without credentials."""

import importlib.util
import os
import sys

import pytest
from tests.kaggle.stand_in import Contest, running

TITANIC = {
    "train.csv": b"PassengerId,Survived,Pclass,Sex\n"
    + b"".join(b"%d,%d,%d,%s\n" % (n, n % 2, n % 3, [b"male", b"female"][n % 2]) for n in range(1, 41)),
    "test.csv": b"PassengerId,Pclass,Sex\n" + b"".join(b"%d,%d,male\n" % (n, n % 3) for n in range(41, 51)),
    "gender_submission.csv": b"PassengerId,Survived\n" + b"".join(b"%d,0\n" % n for n in range(41, 51)),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and an environment without credentials; Kaggle's client is imported anew."""
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "kaggle"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def kaggle(home, monkeypatch):
    """A stand-in with two competitions, to which the environment leads; credentials are up to the test."""
    if importlib.util.find_spec("kaggle") is None:
        pytest.skip("Kaggle's client is not installed: pip install -r requirements-kaggle.txt -c constraints.txt")
    with running({"titanic": Contest(TITANIC), "closed": Contest(TITANIC, accepted=False)}) as stand_in:
        for name, value in stand_in.env.items():
            monkeypatch.setenv(name, value)
        yield stand_in


@pytest.fixture
def signed_in(kaggle, monkeypatch):
    """The stand-in, with credentials in the environment."""
    for name, value in kaggle.credentials.items():
        monkeypatch.setenv(name, value)
    return kaggle
