"""Photos of a kind, and competitions with something planted in them."""

import cv2
import numpy as np
import pandas as pd
import pytest
from tests.modalities.conftest import rows_of

from goldfold.audit import audit
from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.prepare import prepare

MODELS = {
    "image": {"name": "resnet18"},
    "table": {"name": "mlp"},
    "text": {"name": "tfidf"},
    "image+table": {"image": {"name": "resnet18"}},
}


def photo(seed, height=96, width=128):
    """A picture with details of every size, as photographs have them, (height, width, 3) uint8."""
    draws = np.random.default_rng(seed)
    layers = [draws.normal(size=(size, size, 3)) / size for size in (3, 6, 12, 24)]
    picture = sum(cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) for layer in layers)
    return np.uint8(255 * (picture - picture.min()) / np.ptp(picture))


@pytest.fixture(scope="module")
def photos():
    return [photo(seed) for seed in range(40)]


@pytest.fixture
def write_photos(tmp_path, photos):
    """Write a competition of photos and of files that `more` gives by their ids; ids that begin with t are test rows."""

    def write(more=(), labels=None, suffix="png"):
        root = tmp_path / "photos"
        (root / "images").mkdir(parents=True)
        files = {f"p{number}": cv2.imencode(f".{suffix}", picture)[1].tobytes() for number, picture in enumerate(photos)}
        files |= {f"t{number}": cv2.imencode(f".{suffix}", photo(100 + number))[1].tobytes() for number in range(40)}
        for name, data in (files | dict(more)).items():
            (root / "images" / f"{name}.png").write_bytes(data)
        names = [*files, *(name for name in dict(more) if name not in files)]
        train, test = ([name for name in names if name.startswith("t") is part] for part in (False, True))
        known = labels or {}
        truth = [known.get(name, "ab"[number % 2]) for number, name in enumerate(train)]
        pd.DataFrame({"id": train, "y": truth}).to_csv(root / "train.csv", index=False)
        pd.DataFrame({"id": test}).to_csv(root / "test.csv", index=False)
        pd.DataFrame({"id": test, "y": "a"}).to_csv(root / "sample_submission.csv", index=False)
        return root

    return write


@pytest.fixture
def audited(tmp_path):
    """Prepare and audit the competition in a folder; returns the set, the findings by what they are about, and the audit."""

    def run(root, modality="image", prepare_=None, split=None, **competition):
        tree = {
            "competition": {"path": str(root), "modality": modality, **competition},
            "model": MODELS.get(modality, {}),
            "split": {"n_folds": 4, "folds": [0], **(split or {})},
            "prepare": prepare_ or {},
        }
        config = parse_config(tree)
        read = read_competition(config.competition)
        prepared, _ = prepare(read, config.split, config.prepare, tmp_path / "prepared")
        found = audit(prepared, read, config.prepare)
        return prepared, {each.about: each for each in found.findings} if found else {}, found

    return run


@pytest.fixture
def write_rows(tmp_path):
    """Write a competition of a table's rows; `change` may plant something in the training and the test table."""

    def write(change=lambda train, test: (train, test), count=300):
        train, test = rows_of(count, 0), rows_of(count, 1).drop(columns="answer")
        train, test = change(train.drop(columns="count"), test.drop(columns="count"))
        (tmp_path / "rows").mkdir()
        train.to_csv(tmp_path / "rows/train.csv", index=False)
        test.to_csv(tmp_path / "rows/test.csv", index=False)
        test[["id"]].assign(answer=[row % 2 for row in range(len(test))]).to_csv(
            tmp_path / "rows/sample_submission.csv", index=False
        )
        return tmp_path / "rows"

    return write
