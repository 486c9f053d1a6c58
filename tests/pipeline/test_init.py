"""From a competition's files, or its name on Kaggle, to a validated submission, by commands alone."""

import importlib.util

import cv2
import numpy as np
import pytest
from tests.kaggle.conftest import TITANIC
from tests.kaggle.stand_in import Contest, running

from goldfold.config import load_config


def commit(clone):
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "init")


def smoked(clone):
    """Run the recipe smoke on the params.yaml that init wrote; return what it said."""
    commit(clone)
    said = clone.run("goldfold", "run", "smoke")
    assert "passed the contract of the sample submission" in said, said
    return said


def test_a_folder_of_tables_runs_as_init_leaves_it(fresh):
    root = fresh.folder / "data/raw/my rows"
    root.mkdir(parents=True)
    for name, content in TITANIC.items():
        (root / name).write_bytes(content)
    said = fresh.run("goldfold", "init", "data/raw/my rows", expect=2)
    assert "are labels asked for, or probabilities?" in said and "competition.answer: probability" in said
    said = fresh.run("goldfold", "init", "data/raw/my rows", "--yes")
    assert "likely: as accuracy or F1 needs them; else answer: probability" in said
    assert "dvc add data/raw/my rows" in said and "git add params.yaml 'data/raw/my rows.dvc'" in said
    assert (fresh.folder / "data/raw/my rows.dvc").is_file()
    assert "would overwrite them" in fresh.run("goldfold", "init", "data/raw/my rows", expect=2)
    assert "data/raw/my rows: 40 training rows, 10 test rows, binary" in fresh.run("goldfold", "doctor")
    smoked(fresh)


def test_a_folder_of_images_outside_runs_where_it_is(fresh, tmp_path):
    root = tmp_path / "elsewhere"
    for number in range(24):
        path = root / f"train/{('cat', 'dog')[number % 2]}.{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    assert "DVC keeps no copy" in fresh.run("goldfold", "init", str(root), HF_HUB_OFFLINE="1")
    config = load_config(fresh.folder / "params.yaml")
    assert (config.competition.path, config.competition.file_pattern) == (str(root), r"(?P<label>cat|dog)\.\d+")
    assert not config.model.pretrained and config.model.image_size == 32
    assert not list((fresh.folder / "data").glob("*.dvc"))
    fresh.run("sed", "-i", "s/resnet18/test_resnet/", "params.yaml")
    smoked(fresh)


def test_goldfolds_own_checks_hold_whatever_the_competitor_writes(fresh, set_params):
    set_params(fresh, train__epochs=1, competition={"path": "data/raw/mine", "modality": "table"}, model={"name": "mlp"})
    (fresh.folder / "src/own/loss.py").write_text("import os,sys\ndef loss(:\n")
    (fresh.folder / "experiments/recipes/mine.yaml").write_text("train: {lr: 1}\n")
    fresh.run("ruff", "check", ".")
    fresh.run("ruff", "format", "--check", ".")
    fresh.run("python", "-m", "pytest", "-q", "-n", "0", "tests/test_house.py")


def test_print_writes_nothing(fresh):
    before = (fresh.folder / "params.yaml").read_text()
    (fresh.folder / "params.yaml").write_text(before + "# mine\n")
    (fresh.folder / "data/raw/rows").mkdir(parents=True)
    for name, content in TITANIC.items():
        (fresh.folder / "data/raw/rows" / name).write_bytes(content)
    said = fresh.run("goldfold", "init", "data/raw/rows", "metric=f1", "--print")
    assert "  metric: f1 # as you said" in said and said.endswith("# mine\n")
    assert (fresh.folder / "params.yaml").read_text() == before + "# mine\n"
    assert not (fresh.folder / "data/raw/rows.dvc").exists()


@pytest.mark.skipif(
    importlib.util.find_spec("kaggle") is None, reason="pip install -r requirements-kaggle.txt -c constraints.txt"
)
def test_a_name_on_kaggle_is_downloaded_and_written_down(fresh, tmp_path):
    contests = {"titanic": Contest(TITANIC), "closed": Contest(TITANIC, accepted=False)}
    with running(contests) as kaggle:
        env = {**kaggle.env, "HOME": str(tmp_path)}
        said = fresh.run("goldfold", "init", "titanic", expect=2, **env)
        assert "there are no credentials on this machine" in said and "Traceback" not in said
        env |= kaggle.credentials
        said = fresh.run("goldfold", "init", "closed", expect=2, **env)
        assert "the rules of closed are not accepted yet" in said and "Traceback" not in said
        assert not (fresh.folder / "data/raw/closed").exists()
        said = fresh.run("goldfold", "init", "https://www.kaggle.com/competitions/titanic", **env)
    assert "unpacked to data/raw/titanic" in said and "Kaggle calls it Categorization Accuracy" in said
    assert {path.name for path in (fresh.folder / "data/raw/titanic").iterdir()} == set(TITANIC)
    assert not list((fresh.folder / ".goldfold/downloads").iterdir())
    assert "data/raw/titanic: 40 training rows, 10 test rows, binary" in fresh.run("goldfold", "doctor", **env)


def test_doctor_ends_with_two_where_something_is_wrong(fresh):
    fresh.run("goldfold", "doctor", HOME=str(fresh.folder))
    fresh.run("sed", "-i", "s#data/demo/digits#data/raw/nowhere#", "params.yaml")
    said = fresh.run("goldfold", "doctor", expect=2, HOME=str(fresh.folder))
    (line,) = [line for line in said.splitlines() if line.startswith("wrong")]
    assert line.startswith("wrong  data         there is no data/raw/nowhere; to mend it: goldfold init SLUG")
