import numpy as np
import pandas as pd

from goldfold.inference.postprocess import Postprocess, Step
from goldfold.tracking.stage import StageTracker
from goldfold.validation import CVResult, Scores


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
