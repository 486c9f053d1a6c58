"""Refits: models on all rows, which predict the test rows beside the folds' and are in no score."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import TINY, build_repository

import goldfold
from goldfold import identity
from goldfold.config import REFIT, PseudoConfig, parse_config
from goldfold.engines.folds import length_of, train_all
from goldfold.engines.here import Processes
from goldfold.identity import result_key, training_key
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.prediction.exports import export
from goldfold.prediction.test_set import predict
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT
from goldfold.training import FoldResult, load_folds, load_refits, train_fold
from goldfold.training.device import machine
from goldfold.training.pseudo import save_pseudo_labels, with_pseudo_labels
from goldfold.training.reporter import Notes, Silent
from goldfold.training.stopping import never
from goldfold.validation.cross_validation import validate

pytestmark = pytest.mark.slow
MACHINE = machine()


def asked(settings, seeds=2, **train):
    tree = json.loads(settings(epochs=3, lr=0.01, **train).model_dump_json(by_alias=True))
    return parse_config({**tree, "split": {"n_folds": 3, "folds": [0, 1]}, "predict": {"refit": {"seeds": seeds}}})


def everything(prepared, config, folder, scratch, said=lambda _: None):
    with closing(train_all(prepared, config, folder, scratch, lambda _: Notes(said), never, Processes([(None,)], 1))) as trained:
        return list(trained)


@pytest.fixture(scope="module")
def refitted(digits, settings, tmp_path_factory):
    """The settings, the folder of the results, and the scratch folder."""
    folder, config = tmp_path_factory.mktemp("refit"), asked(settings)
    everything(digits, config, folder / "folds", folder / "scratch")
    return config, folder / "folds", folder / "scratch"


def models_of(refitted):
    config, folder, _ = refitted
    return load_folds(folder, config.split.folds, config.train.seeds), load_refits(folder, config.predict)


def test_they_learn_from_all_rows_as_long_as_the_folds_did_and_nothing_validates_them(digits, refitted):
    folds, refits = models_of(refitted)
    length = round(np.mean([result.epoch + 1 for result in folds]))
    assert length_of(folds) == length and [result.seed for result in refits] == [0, 1]
    for result in refits:
        assert result.rows == {"training": len(digits.train), "validation": 0}
        assert len(result.history) == length == result.epoch + 1 and not result.further
        assert not {"valid_loss", "accuracy"} & set(result.history) and result.score != result.score
    assert not all(torch.equal(refits[0].weights[name], refits[1].weights[name]) for name in refits[0].weights)


def test_one_ends_where_the_folds_were_best_before_the_last_epoch(digits, settings, tmp_path):
    result = train_fold(digits, REFIT, 0, asked(settings), tmp_path, length=1)
    assert result.ended == "finished" and len(result.history) == 1 and result.epoch == 0


def test_no_score_and_no_out_of_fold_row_knows_them(digits, refitted):
    config, _, _ = refitted
    folds, _ = models_of(refitted)
    cv = validate(digits, folds, config.validate_, config.predict)
    assert set(cv.oof["fold"]) == {0, 1} and set(cv.scores.folds) == {0, 1}


def test_each_counts_as_one_more_model_over_the_test_rows_but_labels_none_of_them(digits, refitted, tmp_path):
    config, _, _ = refitted
    folds, refits = models_of(refitted)
    rows = PreparedRows(digits, "test")
    members = [predict_fold(result, rows, config.predict)[0] for result in (*folds, *refits)]
    Ensemble([*folds, *refits], config.predict).save(tmp_path)
    submission = predict(digits, Ensemble.load(tmp_path))
    assert digits.problem.predictions(submission.predictions) == pytest.approx(np.mean(members, axis=0), abs=1e-6)
    assert set(submission.by_fold["fold"]) == {0, 1}


def test_another_number_of_refits_trains_no_fold_and_no_refit_again(digits, settings, refitted, tmp_path):
    _, _, scratch = refitted
    said = []
    more = everything(digits, asked(settings, seeds=3), tmp_path / "folds", scratch, said.append)
    assert [result.name for result in more] == ["fold 0", "fold 1", "refit 0", "refit 1", "refit 2"]
    assert sum("already trained" in line for line in said) == 4
    everything(digits, asked(settings, seeds=1), tmp_path / "fewer", scratch)
    for name in ("0/0", "1/0", "refit/0"):
        weights = [FoldResult.load(folder / name).weights for folder in (tmp_path / "folds", tmp_path / "fewer")]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_one_that_is_cut_goes_on_to_the_same_bits(digits, settings, refitted, tmp_path):
    config, _, _ = refitted
    whole, steps = models_of(refitted)[1][0], []
    length = len(whole.history)

    class Counting(Silent):
        def stepped(self, *_):
            steps.append(1)

    def train(stop):
        args = (config, tmp_path / "refit", Counting(), tmp_path / "scratch", stop)
        return train_fold(digits, REFIT, 0, *args, length=length)

    assert train(lambda: "max_hours" if len(steps) >= 7 else None).ended == "max_hours"
    again = train(never)
    assert again.ended == "finished" and all(torch.equal(again.weights[key], whole.weights[key]) for key in whole.weights)


def test_the_identity_knows_the_length_of_a_refit_and_is_what_it_was_without_one(digits, settings, monkeypatch):
    config = asked(settings)
    keys = [training_key(digits, REFIT, 0, config, MACHINE, length) for length in (2, 3)]
    assert len({*keys, training_key(digits, 0, 0, config, MACHINE)}) == 3
    off = settings(epochs=3, lr=0.01)
    hashed = []
    monkeypatch.setattr(identity, "_key", lambda content, *_: hashed.append(json.dumps(content)) or "")
    result_key(digits, off), training_key(digits, 0, 0, off, MACHINE)
    assert not any("refit" in content for content in hashed)
    assert result_key(digits, config) == "" and '"refit": {"seeds": 2}' in hashed[-1]


@pytest.mark.parametrize("in_time", [False, True])
def test_all_rows_are_those_of_all_folds(digits, in_time):
    folds = np.arange(len(digits.train)) % 3
    folds[:2] = ALWAYS, LEFT_OUT
    prepared = replace(digits, folds=folds.astype(np.int16), in_time=in_time)
    assert list(prepared.training_rows(REFIT)) == [0, *range(2, len(folds))] and not len(prepared.validation_rows(REFIT))


def test_pseudo_labels_are_the_mean_of_all_folds(digits, refitted, tmp_path):
    folds, _ = models_of(refitted)
    by_fold = predict(digits, Ensemble(folds)).by_fold
    save_pseudo_labels(tmp_path / "labels.parquet", digits, by_fold, "first")
    config = PseudoConfig(labels=tmp_path / "labels.parquet")
    of_each = [with_pseudo_labels(digits, fold, config)[1] for fold in (0, 1)]
    prepared, of_refit = with_pseudo_labels(digits, REFIT, config)
    assert of_refit == pytest.approx(np.mean(of_each, axis=0), abs=1e-6) and len(prepared.train) > len(digits.train)


def test_a_schedule_that_needs_validation_is_refused(settings):
    with pytest.raises(Exception, match=r"predict.refit: ReduceLROnPlateau goes by validation rows"):
        asked(settings, scheduler={"name": "ReduceLROnPlateau"})


def test_one_is_exported_without_a_score(digits, refitted, tmp_path):
    export(models_of(refitted)[1][0], digits, ["torchscript"], tmp_path)
    described = json.loads((tmp_path / "preprocessing.json").read_text())["model"]
    assert described == {"name": "test_resnet", "fold": None, "seed": 0, "score": None}


def test_boosted_trees_learn_for_the_mean_of_the_folds_rounds(tmp_path):
    trees = "model: {name: HistGradientBoosting, early_stopping: 5, args: {max_iter: 60}}"
    build_repository(tmp_path, TINY.replace("model: {name: linear, args: {C: 1.0}}", trees))
    repo = goldfold.open(tmp_path).with_settings({"predict.refit": {"seeds": 1}})
    with repo.inside():
        results = everything(repo.prepared, repo.config, tmp_path / "folds", tmp_path / "scratch")
        rounds = [result.build_model().rounds for result in results]
        assert rounds[-1] == round(np.mean(rounds[:-1])) < 60 and results[-1].rows["training"] == 120
