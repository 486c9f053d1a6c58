"""Tiny competitions, and the real ones where they are at hand."""

import gc
import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import save_file

import goldfold
import own
from goldfold.competition import Problem, read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, PredictConfig, SplitConfig, parse_config
from goldfold.config.recipe import overlaid
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import OutsideRows, PreparedRows
from goldfold.modalities.image.model import ImageModel, build_model
from goldfold.modalities.image.settings import ImageModelConfig, ImagePrepareConfig
from goldfold.prepare import prepare
from goldfold.tracking import Origin, client, flat_params
from goldfold.tracking.content import cv_content, submission_files
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store

# One thread: tiny models gain nothing from more, and lose much where another process computes.
torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def few_objects_to_collect():
    """Leave out of garbage collection what is imported: every training collects, which takes as long as the training here."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def stores_are_copies(tmp_path_factory):
    """Make MLflow's empty database once: each of the tests' own is a copy of it."""
    template = tmp_path_factory.mktemp("store") / "mlflow.db"

    def copied(file):
        if not template.is_file():
            MAKE_STORE(template)
        shutil.copyfile(template, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_make", copied)
        yield


@pytest.fixture
def stores_are_made(monkeypatch):
    """Have MLflow make each store, as a person's is made."""
    monkeypatch.setattr(client, "_make", MAKE_STORE)


def pytest_sessionfinish():
    gc.unfreeze()


def pytest_collection_modifyitems(items):
    """Begin with whole runs, which take longest: at the end one of two processes would wait for them."""
    items.sort(key=lambda item: "pipeline" not in item.path.parts)


MAKE_STORE = client._make
ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


def predict_outside(folds, table):
    """The names, predictions and unreadable rows of a table from outside the competition."""
    rows = OutsideRows(table)
    predictions = Ensemble(folds).predict(rows)
    return [str(name) for name in table.index], predictions, rows.unreadable


def score_again(prepared, result):
    """The score of a fold's checkpoint on the fold's own rows."""
    rows = prepared.validation_rows(result.fold)
    prediction = predict_fold(result, PreparedRows(prepared, "train", rows), PredictConfig())[0]
    return prepared.problem.score_rows(prepared.train.iloc[rows], prediction)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real competition data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"no real competition data in {SHARED}")
    return SHARED


DEMO_PARAMS = ROOT / "data/demo/params.yaml"
"""The params.yaml that goldfold ships with; the one in the root is the competitor's, and so are src/own and data/raw."""
RECIPES = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs/recipes.md").read_text(), flags=re.MULTILINE)
"""goldfold's own recipes; a competitor may have more."""


def read_recipe(name):
    """What one of goldfold's recipes holds."""
    return YAML(typ="safe").load(ROOT / f"experiments/recipes/{name}.yaml")


def with_recipe(name):
    """The tree of the shipped params.yaml with a recipe on top, as `goldfold run` has DVC do it: without its search."""
    recipe = {key: value for key, value in read_recipe(name).items() if key != "sweep"}
    return overlaid(YAML(typ="safe").load(DEMO_PARAMS), recipe)


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A folder whose modules are the competitor's own, own.name."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(own, "__path__", [*own.__path__, str(folder)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("own.")]:
        del sys.modules[name]


SPEC = {"size": 64, "crop": None, "progressive_sizes": [], "channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of weights for test_resnet."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    state = build_model(ImageModelConfig(name="test_resnet"), SPEC, problem_of(4), pretrained=False).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return str(path)


def problem_of(classes):
    """A problem of so many classes."""
    return Problem("tiny", "image", "id", ("y",), "multiclass", tuple(map(str, range(classes))), "accuracy", "label")


def write_image(path, seed, shape=(8, 8, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.fixture
def write_competition(tmp_path):
    """Write train.csv, test.csv, sample_submission.csv and images; the targets are columns of texts by name."""

    def write(targets, sample, rows=None, name="tiny", ids=None, suffix=".png", folder="images", test_rows=4, test_table=True):
        root = tmp_path / name
        rows = rows or len(next(iter(targets.values())))
        ids = ids or [f"{row:03d}" for row in range(rows)]
        test_ids = [f"t{row}" for row in range(test_rows)]
        for seed, key in enumerate([*ids, *test_ids]):
            write_image(root / folder / f"{key}{suffix}", seed)
        pd.DataFrame({"id": ids, **targets}).to_csv(root / "train.csv", index=False)
        if test_table:
            pd.DataFrame({"id": test_ids}).to_csv(root / "test.csv", index=False)
        pd.DataFrame({"id": test_ids, **sample}).to_csv(root / "sample_submission.csv", index=False)
        return root

    return write


@pytest.fixture
def read():
    """Read a competition with settings of its section."""

    def read_with(root, **settings):
        return read_competition(CompetitionConfig(path=str(root), **settings))

    return read_with


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A prepared set of 300 of the embedded competition's digits, in 3 folds."""
    root = tmp_path_factory.mktemp("digits")
    write_digits(root / "digits", root / "solution.csv")
    table = pd.read_csv(root / "digits/train.csv", dtype=str)
    table[:300].to_csv(root / "digits/train.csv", index=False)
    competition = read_competition(CompetitionConfig(path=str(root / "digits")))
    split = SplitConfig(n_folds=3, folds=(0, 1, 2))
    return prepare(competition, split, ImagePrepareConfig(), root / "prepared")[0]


@pytest.fixture(scope="session")
def settings():
    """A config for quick training; sections are merged into it."""

    def build(augment=({"name": "Affine", "rotate": [-10, 10], "p": 0.8},), model=None, finetune=None, **train):
        tree = {
            "competition": {"path": "x"},
            "model": {"name": "test_resnet", "image_size": 32, **(model or {})},
            "augment": list(augment),
            "finetune": finetune or {},
            "train": {"epochs": 2, "lr": 0.003, "batch_size": 64, "workers": 0, "precision": "fp32", **train},
        }
        return parse_config(tree)

    return build


TINY = """
competition: {path: data/raw/tiny, modality: table, metric: accuracy}
split: {n_folds: 3, folds: [0, 1, 2]}
model: {name: linear, args: {C: 1.0}}
"""


@pytest.fixture(scope="session")
def tiny_repository(tmp_path_factory):
    """A repository with a tiny table competition whose run, `mine`, is the current result and in MLflow."""
    return build_repository(tmp_path_factory.mktemp("tiny"), TINY)


def build_repository(root, params, header=True):
    """Write the tiny competition with or without headers, run the pipeline on it, and track it as `mine`."""
    raw, draws = root / "data/raw/tiny", np.random.default_rng(0)
    raw.mkdir(parents=True)
    table = pd.DataFrame(draws.normal(size=(140, 2)).round(2), columns=["x1", "x2"]).assign(colour=list("rgby") * 35)
    answer = np.where(table["x1"] + 0.2 * draws.normal(size=140) > 0, "yes", "no")
    names = [f"r{row}" for row in range(120)], [f"t{row}" for row in range(20)]
    table[:120].assign(answer=answer[:120]).set_axis(names[0]).to_csv(raw / "train.csv", index_label="id", header=header)
    table[120:].set_axis(names[1]).to_csv(raw / "test.csv", index_label="id", header=header)
    if header:
        pd.DataFrame({"id": names[1], "answer": "no"}).to_csv(raw / "sample_submission.csv", index=False)
    (root / "params.yaml").write_text(params)
    (root / "dvc.yaml").write_text("stages: {}")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
            patch.delenv(name, raising=False)
        repo = goldfold.open(root)
        with repo.inside():
            prepare(repo.competition(), repo.config.split, repo.config.prepare, Path("data/prepared"))
            keep_result(repo, "mine")
    return root


def keep_result(repo, name):
    """Train, validate and predict; the result is the current one, and in MLflow by this name, as the stages leave it."""
    prepared, current = repo.prepared, Path("experiments/current")
    folds = [repo.train_fold(prepared, fold) for fold in repo.config.split.folds]
    for result in folds:
        result.save(current / "folds" / str(result.fold) / "0")
    cv = repo.validate(prepared, folds)
    cv.save(current / "cv")
    repo.predict(prepared, folds, cv).save(current / "submission")
    content = cv_content(cv, current / "cv")
    content["artifacts"] |= submission_files(current / "submission")
    Origin(prepared.problem.name, name, name).save(current / "tracking/predict.json")
    Store(repo.root).deliver(Record(prepared.problem.name, name, name, params=flat_params(repo.config), **content))


@pytest.fixture
def images_read(monkeypatch):
    """Counts the images that pass the backbone."""
    images, features = [], ImageModel.features

    def counting(self, image):
        images.append(len(image))
        return features(self, image)

    monkeypatch.setattr(ImageModel, "features", counting)
    return lambda: sum(images)
