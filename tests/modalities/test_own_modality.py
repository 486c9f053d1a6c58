"""A kind of input of the competitor's own: one package, and nothing else is touched."""

import numpy as np
import pandas as pd
import pytest

from goldfold.audit import audit
from goldfold.competition import read_competition
from goldfold.errors import InputError
from goldfold.imports import find_modality_part, modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.prediction.test_set import predict
from goldfold.report import About, build_report
from goldfold.training import FoldResult, train_fold
from goldfold.validation.cross_validation import validate

SETTINGS = """
from goldfold.config import ModelConfig, PrepareConfig


class SignalModelConfig(ModelConfig):
    name: str = "conv"
    width: int = 8


class SignalPrepareConfig(PrepareConfig):
    points: int = 32


MODEL, PREPARE = SignalModelConfig, SignalPrepareConfig
"""
PREPARE = """
import hashlib

import numpy as np

from goldfold.prepare import Gathered


def gather(competition, config, folder, progress, scratch):
    ids = [*competition.train[competition.problem.id], *competition.test[competition.problem.id]]
    files = [competition.root / "signals" / f"{name}.npy" for name in ids]
    signals = np.stack([np.load(file)[: config.points] for file in progress(files, len(files))]).astype(np.float32)
    np.save(folder / "signals.npy", signals)
    return Gathered(hashlib.blake2b(signals.tobytes()).hexdigest(), f"signals of {config.points} points")

"""
LEARNING = """
import numpy as np
import torch
from torch import nn


class View:
    lengths = None

    def __init__(self, signals):
        self.signals = torch.from_numpy(signals)

    def __getitems__(self, keys):
        rows = torch.tensor([row for _, row in keys])
        return rows, {"signal": self.signals[rows]}


class Conv(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv1d(1, width, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten())
        self.num_features = width
        self.head = nn.Linear(width, outputs)

    def forward(self, signal):
        return self.head(self.features(signal))

    def features(self, signal):
        return self.backbone(signal[:, None])


def input_spec(model, prepared, rows):
    return {"points": int(np.load(prepared.folder / "signals.npy").shape[1])}


def training_view(prepared, rows, spec, augment, seed, epochs):
    return plain_view(prepared, "train", spec)


def plain_view(prepared, part, spec, change=None):
    signals, count = np.load(prepared.folder / "signals.npy"), len(prepared.train)
    return View(signals[:count] if part == "train" else signals[count:])


def build_model(model, spec, problem, pretrained, note=print):
    return Conv(model.width, len(problem.outputs))
"""


@pytest.fixture
def root(tmp_path, own_code):
    """A competition of signals, sines or noise, and the package that reads them, importable as own.signal."""
    package = own_code / "signal"
    package.mkdir()
    for name, text in {"__init__": "", "settings": SETTINGS, "prepare": PREPARE, "learning": LEARNING}.items():
        (package / f"{name}.py").write_text(text)
    folder, draws = tmp_path / "waves", np.random.default_rng(0)
    (folder / "signals").mkdir(parents=True)
    table = pd.DataFrame({"id": [f"s{row}" for row in range(150)], "ink": draws.normal(size=150), "wave": np.arange(150) % 2})
    for name, wave in zip(table["id"], table["wave"], strict=True):
        noise = draws.normal(size=40)
        np.save(folder / "signals" / f"{name}.npy", 3 * np.sin(np.arange(40) + draws.random() * 6) + noise if wave else noise)
    table[:120].to_csv(folder / "train.csv", index=False)
    table[120:].drop(columns="wave").to_csv(folder / "test.csv", index=False)
    table[120:][["id"]].assign(wave=[row % 2 for row in range(len(table) - 120)]).to_csv(
        folder / "sample_submission.csv", index=False
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["own.signal", "own.signal+table"])
def test_a_package_of_your_own_goes_through_the_whole_pipeline(prepared_with, root, tmp_path, modality):
    own = {"width": 16}
    sections = {"model": own, "prepare": {"points": 24}}
    if "+" in modality:
        sections = {name: {"signal": section} for name, section in sections.items()}
    config, prepared, summary = prepared_with(
        root, competition={"modality": modality}, **sections, train={"epochs": 8, "lr": 0.02, "batch_size": 16}
    )
    assert "signals of 24 points" in summary["inputs"]
    result = audit(prepared, read_competition(config.competition), config.prepare)
    assert not any(finding.serious for finding in result.findings) and "Train and test" in result.page.read_text()
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in range(3)]
    loaded = [FoldResult.load(tmp_path / str(fold)) for fold in range(3)]
    cv = validate(prepared, loaded, config.validate_)
    assert cv.scores.score > 0.85 and cv.scores.folds == {fold.fold: fold.score for fold in folds}
    predict(prepared, Ensemble(loaded, config.predict)).save(tmp_path / "submission")
    page = build_report(prepared, cv, loaded, About("mine", {}, {}))
    assert find_modality_part(modality, "outside") is None
    with pytest.raises(InputError, match=r"own.signal has no module outside\n.*signal/outside.py; docs/kinds-of-input"):
        modality_part(modality, "outside")
    assert page.count("<article>") == 24 and ("<dt>ink</dt>" in page) == ("+table" in modality)


def test_a_package_that_is_not_there_is_refused(prepared_with, root):
    with pytest.raises(InputError, match=r"there is no kind of input waves\.sound"):
        prepared_with(root, competition={"modality": "waves.sound"})
