from types import SimpleNamespace

import numpy as np
import pandas as pd

from goldfold.inference.postprocess import Postprocess, Step
from goldfold.tracking import stage
from goldfold.tracking.origin import Origin
from goldfold.tracking.stage import StageTracker
from goldfold.validation import CVResult, Scores


def _result(fold):
    return SimpleNamespace(name=f"fold {fold}", fold=fold, seed=0, place=f"{fold}/0", ended="finished")


def test_the_score_before_and_after_post_processing_is_tracked(digits, settings, tmp_path):
    scores = Scores("accuracy", 0.9, 0.8, 0.95, 0.95, {0: 0.9}, 3, raw=0.7)
    steps = (Step("class_weights", {"weights": [0.5, 2.0]}),)
    oof = pd.concat([digits.train[:3], digits.problem.table(np.eye(10)[:3])], axis=1).assign(fold=0)
    result = CVResult(digits.problem, scores, oof, oof, Postprocess(steps, dict.fromkeys(range(3), steps)))
    (tmp_path / "metrics.json").write_text("{}")
    tracked = StageTracker(settings(), digits, "validate")
    tracked.cv(result, tmp_path)
    record = tracked.records[-1]
    measured = {name: value for name, value, _, _ in record.metrics}
    assert (measured["accuracy"], measured["accuracy_raw"]) == (0.9, 0.7)
    assert "class_weights 0.5 2), without 0.7" in record.tags["mlflow.note.content"]


def test_each_fold_of_a_stage_has_its_own_notes_and_the_run_that_trained_it(digits, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "scratch_folder", lambda: tmp_path)
    monkeypatch.setattr(stage, "fold_content", lambda result, tags: {"tags": tags})
    tracked, delivered = StageTracker(settings(), digits, "train"), []
    monkeypatch.setattr(tracked, "_deliver", lambda: delivered.append(tracked.records) or setattr(tracked, "records", []))
    first, second = (_result(fold) for fold in (0, 1))
    fold = tracked.fold("fold 0")
    fold.started(SimpleNamespace(name="fold 0"))
    fold.note("memory ran out")
    tracked.fold("fold 1").note("another's")
    assert tracked.trained(first, tmp_path / "run0.json").key == tracked.key == Origin.load(tmp_path / "run0.json").key
    assert delivered[0][-1].tags["goldfold.notes"] == "memory ran out" and "goldfold.trained_by" not in delivered[0][-1].tags

    # Another run's fold is taken over.
    other = Origin("mine", "another", "theirs", "run 7")
    other.save(tmp_path / "run1.json")
    assert tracked.trained(second, tmp_path / "run1.json") == other == Origin.load(tmp_path / "run1.json")
    tags = delivered[1][-1].tags
    assert tags["goldfold.trained_by"] == "run 7" and tags["goldfold.notes"] == "another's" and not tracked.live


def test_a_fold_s_run_beats_no_more_when_its_end_is_delivered(digits, settings, tmp_path, monkeypatch):
    """Else a beat between would have it run for ever."""
    monkeypatch.setattr(stage, "scratch_folder", lambda: tmp_path)
    monkeypatch.setattr(stage, "fold_content", lambda result, tags: {"tags": tags})
    tracked, beating = StageTracker(settings(), digits, "train"), []
    monkeypatch.setattr(tracked, "_deliver", lambda: beating.append(list(tracked.heart.runs)))
    monkeypatch.setattr(tracked, "_mark", lambda record: tracked.heart.runs.setdefault("run 1", None) or "run 1")
    tracked.fold("fold 0").started(SimpleNamespace(name="fold 0"))
    tracked.trained(_result(0), tmp_path / "run0.json")
    assert beating == [[]]
