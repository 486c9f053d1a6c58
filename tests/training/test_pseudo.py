"""Pseudo-labels: what is learned from which test row, and by whom it was labelled."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from goldfold.competition import Problem
from goldfold.config import PredictConfig, PseudoConfig, parse_config
from goldfold.errors import InputError
from goldfold.identity import training_key
from goldfold.inference.ensemble import Ensemble
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.training import train_fold
from goldfold.training.device import machine
from goldfold.training.pseudo import LEFT_OUT, is_sure, save_pseudo_labels, with_pseudo_labels
from goldfold.training.reporter import Silent
from goldfold.training.trainer import make_trainer

pytestmark = pytest.mark.slow

CONFIDENCE = 0.2
MACHINE = machine()


@pytest.fixture(scope="module")
def labelled(digits, settings, tmp_path_factory):
    """The path of the labels that two trained folds give, and the submission that holds them."""
    folder = tmp_path_factory.mktemp("labels")
    folds = [train_fold(digits, fold, 0, settings(epochs=3, lr=0.01), folder / str(fold)) for fold in (0, 1)]
    submission = predict(digits, Ensemble(folds, PredictConfig()))
    save_pseudo_labels(folder / "labels.parquet", digits, submission.by_fold, "first")
    return folder / "labels.parquet", submission


def test_each_fold_is_labelled_by_its_own_models(digits, labelled):
    path, submission = labelled
    predictions = [with_pseudo_labels(digits, fold, PseudoConfig(labels=path))[1] for fold in (0, 1)]
    assert not np.allclose(*predictions)
    assert digits.problem.predictions(submission.predictions) == pytest.approx(np.mean(predictions, axis=0), abs=1e-6)


def test_sure_test_rows_are_trained_on_and_none_is_validated(digits, labelled):
    extended, prediction = with_pseudo_labels(digits, 0, PseudoConfig(labels=labelled[0], confidence=CONFIDENCE))
    sure = prediction.max(axis=1) >= CONFIDENCE
    added = extended.training_rows(0)[len(digits.training_rows(0)) :] - len(digits.train)
    assert 0 < sure.sum() < len(sure) and list(added) == list(np.flatnonzero(sure))
    assert list(extended.validation_rows(0)) == list(digits.validation_rows(0))
    truth = extended.problem.truth(extended.train)[len(digits.train) :]
    assert list(truth) == list(prediction.argmax(axis=1))


@pytest.mark.parametrize("soft", [False, True])
def test_a_network_learns_their_pixels_with_their_labels(digits, labelled, settings, soft):
    config = settings(pseudo={"labels": str(labelled[0]), "confidence": CONFIDENCE, "soft": soft}, augment=())
    trainer = make_trainer(digits, 0, 0, config, Silent())
    row = int(trainer.fold.training_rows[-1])
    target = trainer.targets[row]
    prediction = with_pseudo_labels(digits, 0, config.train.pseudo)[1][row - len(digits.train)]
    assert target.tolist() == pytest.approx(prediction, abs=1e-6) if soft else int(target) == prediction.argmax()
    learned = trainer.fold.modality.training_view(trainer.fold.prepared, trainer.fold.training_rows, trainer.fold.spec, (), 0, 1)
    plain = trainer.fold.modality.plain_view(digits, "test", trainer.fold.spec)
    there, here = learned.__getitems__([(0, row)])[1], plain.__getitems__([(0, row - len(digits.train))])[1]
    assert torch.equal(there["image"], here["image"])


def test_a_training_with_them_is_another_and_its_checkpoint_is_of_the_same_prepared_set(digits, labelled, settings, tmp_path):
    config, path = settings(epochs=1), tmp_path / "labels.parquet"
    path.write_bytes(labelled[0].read_bytes())
    asked = settings(epochs=1, pseudo={"labels": str(path), "confidence": CONFIDENCE})
    keys = [training_key(digits, 0, 0, settings, MACHINE) for settings in (config, asked)]
    result = train_fold(digits, 0, 0, asked, tmp_path / "fold")
    result.require_prepared(digits)
    assert result.rows["training"] > len(digits.training_rows(0)) and result.rows["validation"] == len(digits.validation_rows(0))
    save_pseudo_labels(path, digits, labelled[1].by_fold.assign(p_0=0.0), "other")
    assert len({*keys, training_key(digits, 0, 0, asked, MACHINE)}) == 3


def test_labels_of_other_folds_are_refused(digits, labelled, tmp_path):
    config = PseudoConfig(labels=labelled[0])
    with pytest.raises(InputError, match=r"has other folds, classes or test rows.*may have seen"):
        with_pseudo_labels(dataclasses.replace(digits, folds=digits.folds[::-1]), 0, config)
    with pytest.raises(InputError, match="other folds"):
        with_pseudo_labels(digits, 2, config)
    with pytest.raises(InputError, match="other folds"):
        with_pseudo_labels(dataclasses.replace(digits, test=digits.test[1:]), 0, config)
    with pytest.raises(InputError, match=r"no .*missing.parquet\n.*goldfold pseudo-label RUN"):
        with_pseudo_labels(digits, 0, PseudoConfig(labels=tmp_path / "missing.parquet"))


MULTILABEL = Problem("p", "image", "id", ("y",), "multilabel", ("a", "b"), "f1_micro", "set", separator=",")
INDICATORS = Problem("p", "image", "id", ("a", "b"), "multilabel", (), "f1_micro", "label")
VALUES = Problem("p", "image", "id", ("u", "v"), "regression", (), "rmse", "value")
BINARY = Problem("p", "image", "id", ("y",), "binary", ("no", "yes"), "accuracy", "label")


@pytest.mark.parametrize(
    ("problem", "prediction", "columns", "sure"),
    [
        (BINARY, [0.05, 0.6, 0.95], {"y": ["no", "yes", "yes"]}, [True, False, True]),
        (MULTILABEL, [[0.95, 0.92], [0.95, 0.3], [0.0, 0.0]], {"y": ["a,b", "a", ""]}, [True, False, True]),
        (INDICATORS, [[0.95, 0.02], [0.6, 0.0]], {"a": [1, 1], "b": [0, 0]}, [True, False]),
        (VALUES, [[1.5, 2.0], [3.0, 4.0]], {"u": [1.5, 3.0], "v": [2.0, 4.0]}, [True, True]),
    ],
)
def test_labels_are_written_as_the_training_table_holds_them(problem, prediction, columns, sure):
    made = problem.target_columns(np.array(prediction))
    assert {name: list(values) for name, values in made.items()} == columns
    assert list(is_sure(problem, np.array(prediction), 0.9)) == sure


def test_tables_and_estimators_learn_from_them(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "points"
    root.mkdir()
    points = pd.DataFrame({"id": range(120), "x": rng.normal(size=120), "c": rng.choice(["u", "v"], 120)})
    points.assign(y=np.where(points["x"] > 0, "p", "n"))[:80].to_csv(root / "train.csv", index=False)
    points[80:].to_csv(root / "test.csv", index=False)
    points[80:][["id"]].assign(y="p").to_csv(root / "sample_submission.csv", index=False)

    def asked(name, **pseudo):
        labels = {"pseudo": {"labels": str(tmp_path / "labels.parquet"), **pseudo}} if pseudo else {}
        return parse_config(
            {
                "competition": {"path": str(root), "modality": "table"},
                "split": {"n_folds": 2, "folds": [0, 1]},
                "model": {"name": name},
                "train": {"epochs": 2, **labels},
            }
        )

    from goldfold.competition import read_competition

    config = asked("linear")
    prepared = prepare(read_competition(config.competition), config.split, config.prepare, tmp_path / "prepared")[0]
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in (0, 1)]
    save_pseudo_labels(
        tmp_path / "labels.parquet", prepared, predict(prepared, Ensemble(folds, PredictConfig())).by_fold, "first"
    )
    for name in ("linear", "mlp"):
        result = train_fold(prepared, 0, 0, asked(name, confidence=0), tmp_path / name)
        assert result.rows["training"] == len(prepared.training_rows(0)) + 40
    assert (
        with_pseudo_labels(prepared, 0, PseudoConfig(labels=tmp_path / "labels.parquet", confidence=1))[0].folds[-1] == LEFT_OUT
    )
    with pytest.raises(InputError, match="linear learns classes, not probabilities"):
        train_fold(prepared, 0, 0, asked("linear", soft=True), tmp_path / "soft")
