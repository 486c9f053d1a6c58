"""From recordings to a submission, a report, files of other formats and single predictions."""

from itertools import count

import numpy as np
import pytest
import torch
from tests.conftest import predict_outside
from tests.modalities.sounds import RATE, write_tones

from goldfold.audit import audit
from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.config.recipe import with_values
from goldfold.inference.ensemble import Ensemble
from goldfold.init import propose
from goldfold.modalities.sound import outside
from goldfold.prediction.exports import export
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.report import About, build_report
from goldfold.training import FoldResult, train_fold
from goldfold.training.stopping import Stopped
from goldfold.validation.cross_validation import validate

pytestmark = pytest.mark.slow


def test_recordings_become_a_submission_a_report_and_exports(tmp_path):
    root = write_tones(tmp_path / "tones")
    proposal = propose(root, str(root), {})
    tree = dict(with_values({}, {one.key: one.value for one in proposal.settings if not one.is_remark}))
    assert tree["competition"]["modality"] == "sound" and tree["prepare"]["rate"] == RATE
    assert (tree["split"]["strategy"], tree["split"]["group"], tree["split"]["n_folds"]) == ("stratified_group", "speaker", 4)
    assert tree["model"]["seconds"] == 1.3
    # Short windows, so that long sounds have several.
    tree["model"] |= {"seconds": 0.5, "mels": 24}
    tree["augment"] += [{"name": "SpecAugment"}]
    tree["split"] |= {"folds": [0, 1]}
    tree["train"] |= {"epochs": 10, "lr": 0.005, "workers": 0, "precision": "fp32"}
    tree["train"] |= {"mix": [{"name": "MixUp", "alpha": 0.2}], "mix_probability": 0.5}
    tree["predict"] = {"tta": [{"name": "Polarity"}]}
    config = parse_config(tree)
    competition = read_competition(config.competition, config.prepare)
    prepared, _ = prepare(competition, config.split, config.prepare, tmp_path / "prepared")
    assert [finding for finding in audit(prepared, competition, config.prepare).findings if finding.serious] == []

    for fold in (0, 1):
        train_fold(prepared, fold, 0, config, tmp_path / str(fold))
    folds = [FoldResult.load(tmp_path / str(fold)) for fold in (0, 1)]
    steps = count()

    def stop():
        return "interrupted" if next(steps) >= 7 else None

    with pytest.raises(Stopped):
        train_fold(prepared, 0, 0, config, tmp_path / "cut", scratch=tmp_path / "scratch", stop=stop)
    resumed = train_fold(prepared, 0, 0, config, tmp_path / "cut", scratch=tmp_path / "scratch")
    assert all(torch.equal(resumed.weights[name], tensor) for name, tensor in folds[0].weights.items())

    cv = validate(prepared, folds, config.validate_)
    assert cv.scores.score > 0.9
    submission = predict(prepared, Ensemble(folds, config.predict))
    submission.save(tmp_path / "submission")
    page = build_report(prepared, cv, folds, About("mine", {}, {}))
    assert page.count("<audio controls") == 24 and "data:audio/flac;base64," in page and len(page) < 3e6

    files = [root / "audio", root / "train.csv"]
    names, predictions, unreadable = predict_outside(folds, outside.read_files(files))
    assert len(names) == 73 and list(unreadable) == [72]
    tested = [names.index(str(root / "audio" / f"{name}.wav")) for name in prepared.test["id"]]
    alone = predict_outside(folds, outside.test_rows(competition))[1]
    assert np.allclose(predictions[tested], alone, atol=1e-5)

    written = export(folds[0], prepared, ["onnx", "torchscript"], tmp_path / "exports")
    assert len(written) == 2 and all(deviation < 1e-4 for deviation in written.values())
