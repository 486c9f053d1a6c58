"""Bundles of every kind of input, and the notebook of one in a fresh environment without a network."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig

import pandas as pd
import pytest
from tests.modalities.conftest import rows_of
from tests.modalities.texts import write_stories

from goldfold.bundle import Bundle, predict_bundle
from goldfold.bundle.packing import NOTEBOOK
from goldfold.bundle.rerun import measure
from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.training import train_fold
from goldfold.validation.cross_validation import validate

TRAIN = {"epochs": 1, "batch_size": 64, "precision": "fp32", "workers": 0}


def made(root, folder, tree):
    """What the stages make of a competition: its bundle, unsaved, and its submission's file."""
    config = parse_config({"split": {"n_folds": 2, "folds": [0, 1]}, "train": TRAIN, **tree})
    prepared, _ = prepare(read_competition(config.competition), config.split, config.prepare, folder / "prepared")
    folds = [train_fold(prepared, fold, 0, config, folder / "folds" / str(fold)) for fold in (0, 1)]
    cv = validate(prepared, folds, config.validate_)
    ensemble = Ensemble(folds, config.predict, cv.postprocess.steps)
    predict(prepared, ensemble).save(folder / "submission")
    return Bundle("mine", config, ensemble), folder / "submission/submission.csv"


def write_digit_rows(root):
    """300 of the digits, with a column."""
    write_digits(root, root.parent / "solution.csv")
    for name in ("train", "test"):
        table = pd.read_csv(root / f"{name}.csv", dtype=str)[: 300 if name == "train" else None]
        table.assign(width=[row * 7 % 10 for row in range(len(table))]).to_csv(root / f"{name}.csv", index=False)
    return {"path": str(root)}


def image(root):
    tta = {"tta": [{"name": "Affine", "rotate": [5, 5]}], "average": "logits"}
    return {"competition": write_digit_rows(root), "model": {"name": "test_resnet", "image_size": 32}, "predict": tta}


def fused(root):
    model = {"image": {"name": "test_resnet", "image_size": 32}, "table": {"name": "mlp", "hidden": [8]}}
    return {"competition": {**write_digit_rows(root), "modality": "image+table"}, "model": model}


def table(root):
    root.mkdir()
    rows_of(200, 0).to_csv(root / "train.csv", index=False)
    rows_of(40, 1).drop(columns="answer").to_csv(root / "test.csv", index=False)
    rows_of(40, 1)[["id"]].assign(answer=0).to_csv(root / "sample_submission.csv", index=False)
    post = {"postprocess": [{"name": "threshold"}]}
    competition = {"path": str(root), "modality": "table", "metric": "f1"}
    return {"competition": competition, "model": {"name": "HistGradientBoosting"}, "validate": post}


def text(root):
    write_stories(root)
    return {"competition": {"path": str(root), "modality": "text", "target": "label"}, "model": {"name": "tfidf"}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [image, table, text, fused], ids=lambda kind: kind.__name__)
def test_a_bundle_answers_as_the_pipeline_does_and_predicts_test_rows_that_it_never_saw(kind, tmp_path, capsys):
    bundle, submission = made(tmp_path / "raw", tmp_path, kind(tmp_path / "raw"))
    bundle.save(tmp_path / "bundle", tmp_path / "raw", 100)
    predict_bundle(tmp_path / "bundle", tmp_path / "raw", tmp_path / "answer.csv")
    assert (tmp_path / "answer.csv").read_bytes() == submission.read_bytes()
    assert "passed the contract" in capsys.readouterr().out

    # At the rerun the test files are others: here as many rows again, under other ids.
    for path in [tmp_path / "raw/test.csv", *(tmp_path / "raw").glob("*ubmission.csv")]:
        rows = pd.read_csv(path, dtype=str)
        pd.concat([rows, rows.assign(**{rows.columns[0]: "h" + rows.iloc[:, 0]})]).to_csv(path, index=False)
    for path in list((tmp_path / "raw").rglob("*.png")):
        shutil.copy(path, path.with_name(f"h{path.name}"))
    predict_bundle(tmp_path / "bundle", tmp_path / "raw", tmp_path / "hidden.csv")
    first, hidden = pd.read_csv(submission, dtype=str), pd.read_csv(tmp_path / "hidden.csv", dtype=str)
    assert len(hidden) == 2 * len(first) and list(hidden.iloc[: len(first), 0]) == list(first.iloc[:, 0])
    again = hidden.iloc[len(first) :].reset_index(drop=True)
    assert (again.iloc[:, 1] == first.iloc[:, 1]).mean() > 0.98


@pytest.mark.slow
def test_what_is_too_large_or_another_problem_is_refused_and_the_time_is_measured(tmp_path, capsys):
    bundle, _ = made(tmp_path / "raw", tmp_path, table(tmp_path / "raw"))
    with pytest.raises(InputError, match=r"(?s)more than the 0.001 allowed.*model.safetensors"):
        bundle.save(tmp_path / "bundle", tmp_path / "raw", 0.001)
    assert not (tmp_path / "bundle").exists()
    pace = measure(bundle, tmp_path / "raw")
    assert pace.rows >= 256 and pace.row > 0 and pace.seconds(1000) > pace.seconds(10)
    bundle.save(tmp_path / "bundle", tmp_path / "raw", 100)
    train = tmp_path / "raw/train.csv"
    train.write_text(train.read_text().replace(",1\n", ",2\n"))
    with pytest.raises(SystemExit):
        predict_bundle(tmp_path / "bundle", tmp_path / "raw", tmp_path / "answer.csv")
    assert "sets another problem than mine was trained for" in capsys.readouterr().err


def test_hidden_rows_are_read_as_in_training_whatever_their_own_cells_would_say(tmp_path):
    tree = table(tmp_path / "raw")
    for name in ("train", "test"):
        rows = pd.read_csv(tmp_path / f"raw/{name}.csv", dtype=str)
        rows["size"] = [f"1,{row:03d}" if row % 2 else str(row) for row in range(len(rows))]
        if name == "train":
            rows["answer"] = rows.index % 2
        rows.to_csv(tmp_path / f"raw/{name}.csv", index=False)
    bundle, submission = made(tmp_path / "raw", tmp_path, tree)
    hidden = pd.read_csv(tmp_path / "raw/test.csv", dtype=str)
    hidden.loc[0, "size"] = "1500"  # by itself it says that the comma is the decimal one
    hidden.to_csv(tmp_path / "raw/test.csv", index=False)
    bundle.save(tmp_path / "bundle", tmp_path / "raw", 100)
    predict_bundle(tmp_path / "bundle", tmp_path / "raw", tmp_path / "answer.csv")
    answers = [pd.read_csv(path).iloc[1:, 1].tolist() for path in (submission, tmp_path / "answer.csv")]
    assert answers[0] == answers[1] and answers[0] == [row % 2 for row in range(1, 40)]


@pytest.mark.slow
def test_its_notebook_runs_in_a_fresh_environment_without_a_network(tmp_path):
    offline = ["unshare", "--user", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*offline, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no process give up its network")
    bundle, submission = made(tmp_path / "raw", tmp_path, table(tmp_path / "raw"))
    bundle.save(tmp_path / "bundle", tmp_path / "raw", 100)
    # The libraries that Kaggle has, and no goldfold: a path in a .pth file does not bring the .pth files that lie there.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "fresh")], check=True)
    site = next((tmp_path / "fresh/lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    cells = json.loads((tmp_path / "bundle" / NOTEBOOK).read_text())["cells"]
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    check = "import importlib.util, socket, sys\nassert importlib.util.find_spec('goldfold') is None\n"
    check += "try:\n    socket.create_connection(('1.1.1.1', 53), 2)\nexcept OSError:\n    pass\nelse:\n    sys.exit('online')\n"
    there = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "GOLDFOLD_DATA": str(tmp_path / "raw")}
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [*offline, str(tmp_path / "fresh/bin/python"), "-c", check + code],
        cwd=tmp_path / "work",
        env={**there, "GOLDFOLD_BUNDLE": str(tmp_path / "bundle")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work/submission.csv").read_bytes() == submission.read_bytes()
    assert "passed the contract" in done.stdout
