"""Members from a data set on Kaggle, by Kaggle's own client from a stand-in; needs requirements-kaggle.txt."""

import io
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.kaggle.conftest import home, kaggle, signed_in  # noqa: F401
from tests.kaggle.stand_in_code import DataSet

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.kaggle import data_set_of
from goldfold.runs.run import find_run

pytestmark = pytest.mark.slow

REF = "bea/their-oofs"


@pytest.fixture
def place(tiny_repository, tmp_path, monkeypatch):
    """A copy of the tiny repository to stand in."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.chdir(shutil.copytree(tiny_repository, tmp_path / "repository"))


@pytest.fixture
def offered(place, signed_in):  # noqa: F811
    """A data set of two versions, the second with a pair at its top and one in a folder, by other folds than ours."""
    mine, draws, files = find_run("mine"), np.random.default_rng(0), {}
    for name, folder in (("theirs", ""), ("deep", "deeper/")):
        tables = {
            "oof": pd.read_parquet(mine.folder("cv") / "oof.parquet").assign(fold=draws.integers(0, 5, 120)),
            "pred": pd.read_parquet(mine.folder("submission") / "predictions.parquet"),
        }
        for kind, table in tables.items():
            odds = np.log(table["p_yes"] / (1 - table["p_yes"])) * 0.7 + draws.normal(size=len(table)) * 0.8
            kept = table[["id", *(["fold"] if kind == "oof" else [])]].assign(p_yes=1 / (1 + np.exp(-odds)))
            files[f"{folder}{kind}_{name}.csv"] = kept.to_csv(index=False).encode()
    found = signed_in.workshop.data_sets[REF] = DataSet({}, [{}, {**files, "readme.md": b"ours"}])
    return found


def test_the_pairs_of_a_data_set_become_runs_that_name_it_and_its_version(offered, signed_in, capsys):  # noqa: F811
    run_command(["import", "--kaggle", f"https://www.kaggle.com/datasets/{REF}", "--force"])
    said = capsys.readouterr().out
    assert f"downloading {REF}, version 2, from Kaggle" in said and "imported    theirs" in said and "deep" not in said
    assert "with the folds others: 5 of its own, across the split's 3" in said
    run_command(["import", "--kaggle", REF, "--folder-in", "deeper", "--force"])
    said = capsys.readouterr().out
    assert "downloading" not in said and "imported    deep" in said
    for name in ("theirs", "deep"):
        origin = json.loads(find_run(name).tags["goldfold.imported"])
        assert (origin["kaggle"], origin["version"]) == (REF, 2)
    # An archive that was left by a kill, of another version.
    offered.versions.append({name: content for name, content in offered.versions[1].items() if "deep" not in name})
    left = Path(".goldfold/downloads") / REF / "2/their-oofs.zip"
    shutil.make_archive(str(left.with_suffix("")), "zip", left.parent / "files")
    run_command(["import", "--kaggle", REF, "--force"])
    assert "version 3" in capsys.readouterr().out and not list(Path(".goldfold/downloads").rglob("3/files/deeper"))


def test_a_download_that_breaks_off_goes_on_and_a_damaged_one_is_told_and_fetched_again(offered, signed_in, capsys):  # noqa: F811
    offered.damaged = 1
    with pytest.raises(InputError, match=r"not whole: .* is damaged(.|\n)*repeat the command, which downloads it again"):
        run_command(["import", "--kaggle", REF, "--force"])
    assert not list(Path(".goldfold/downloads").rglob("*.zip"))
    signed_in.fails["DownloadDataset"] = 1
    with pytest.raises(InputError, match="internal error"):
        run_command(["import", "--kaggle", REF, "--force"])
    run_command(["import", "--kaggle", REF, "--force"])
    assert "imported    theirs" in capsys.readouterr().out


def test_what_is_missing_in_a_data_set_is_said(offered, signed_in):  # noqa: F811
    files = offered.versions[1]
    offered.versions = [{name: content for name, content in files.items() if name != "pred_theirs.csv"}]
    with pytest.raises(InputError, match=r"oof_theirs\.csv has no test predictions beside it"):
        run_command(["import", "--kaggle", REF])
    offered.versions.append({name: content for name, content in files.items() if name.startswith("deeper/")})
    with pytest.raises(InputError, match=r"holds no pairs(.|\n)*its folder deeper(.|\n)*name that folder"):
        run_command(["import", "--kaggle", REF])
    half = io.BytesIO()
    np.save(half, np.full(120, 0.5))
    offered.versions.append({"oof_a.npy": half.getvalue()[:-100], "pred_a.npy": half.getvalue()})
    with pytest.raises(InputError, match="cannot be read as an array"):
        run_command(["import", "--kaggle", REF])
    with pytest.raises(InputError, match="Kaggle has no data set bea/another, or you may not see it"):
        run_command(["import", "--kaggle", "bea/another"])


def test_a_data_set_is_named_by_owner_and_name_and_nothing_else_beside(place):
    for source in (REF, f"https://www.kaggle.com/datasets/{REF}", f"https://kaggle.com/datasets/{REF}/"):
        assert data_set_of(source) == REF
    for source in ("their-oofs", "https://www.kaggle.com/code/bea/their-oofs", "bea/their-oofs/2/3", "../x"):
        with pytest.raises(InputError, match="is no data set on Kaggle"):
            data_set_of(source)
    for more in (["theirs"], ["--folder", "x"], ["--oof", "x"]):
        with pytest.raises(InputError, match="a member is two files"):
            run_command(["import", "--kaggle", REF, *more])
    with pytest.raises(InputError, match="--folder-in is a folder in a data set"):
        run_command(["import", "--folder", "x", "--folder-in", "y"])
