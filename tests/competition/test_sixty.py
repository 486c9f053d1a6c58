"""Each of the 60 competitions can be configured, scored, and answered by a submission that keeps its contract."""

import numpy as np
import pandas as pd
import pytest
from tests.competition.sixty import IDS, SIXTY

from goldfold.competition import answers, read_competition, read_solution
from goldfold.competition.answers import require_round_trip, write_answers
from goldfold.competition.tables import filled
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError
from goldfold.prediction import Submission, score_submission, with_columns

TEST_ROWS = 6
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def write(root, asked):
    """The competition's files; the test rows' truth is that of the first training rows. Returns the settings that read them."""
    keys = asked.id.split()
    ids = {keys[0]: IDS} if len(keys) == 1 else {keys[0]: ["a", "b"] * 6, keys[1]: [row[1:] for row in IDS]}
    if asked.settings.get("pair_id", "").startswith("{id}{"):
        ids = {keys[0]: [str(row) for row in range(10, 22)]}
    train = pd.DataFrame({**ids, **asked.more, **asked.targets})
    test = train[:TEST_ROWS].assign(**{keys[-1]: [f"9{row[-2:]}" for row in train[keys[-1]][:TEST_ROWS]]})
    names = ["_".join(row) for row in pd.concat([train, test])[keys].itertuples(index=False)]
    (root / "images").mkdir(parents=True)
    for name in names:
        (root / f"images/{name}.png").write_bytes(PIXEL)
    train.to_csv(root / "train.csv", index=False)
    test.drop(columns=list(asked.targets)).to_csv(root / "test.csv", index=False)
    solution = test[[*keys, *asked.targets]]
    if "answer_id" in asked.settings:
        solution = test[list(asked.targets)].assign(_id=answers_of(test, asked))
    solution.to_csv(root / "solution.csv", index=False)
    sample_of(test, asked, keys).to_csv(root / "sample_submission.csv", index=False)
    explicit = {} if asked.metric in ("roc_auc", "log_loss") else {"metric": asked.metric}
    if len(asked.targets) == 1:
        explicit["target"] = next(iter(asked.targets))
    return {"path": str(root), "solution": str(root / "solution.csv"), "metric": asked.metric, **explicit, **asked.settings}


def answers_of(test, asked):
    template = asked.settings["answer_id"]
    return filled(test, template) if "{" in template else list(test[template])


def sample_of(test, asked, keys):
    pair = asked.settings.get("pair_id")
    if "answer_id" in asked.settings:
        ids = pd.DataFrame({"_id": list(dict.fromkeys(answers_of(test, asked)))})
    elif pair:
        labels = [(i, int(name) if name.isdecimal() else name) for i in test[keys[0]] for name in asked.targets]
        ids = pd.DataFrame({"row_id": [pair.format(id=i, label=name) for i, name in labels]})
        return ids.assign(value="0.5")
    else:
        ids = test[keys]
    # The sample's rows are in another order than the test table's.
    return ids.iloc[::-1].reset_index(drop=True).assign(**asked.sample)


def predicted(problem, table):
    """Predictions that are right, but not sure."""
    truth = problem.truth(table)
    if problem.task == "regression":
        return truth
    sure = truth.astype(float)
    if problem.task == "multiclass" and truth.ndim == 1:
        sure = np.eye(len(problem.classes))[truth]
    return sure


def test_there_are_sixty():
    assert len(SIXTY) == 60


@pytest.mark.parametrize("slug", SIXTY)
def test_a_competition_is_read_scored_and_answered(slug, tmp_path):
    asked = SIXTY[slug]
    config = CompetitionConfig(**write(tmp_path / slug, asked))
    competition = read_competition(config)
    problem, metric = competition.problem, competition.problem.scored_by
    assert (problem.task, problem.answer) == (asked.task, asked.answer)
    assert [problem.metric, problem.metric_args] == [config.metric.name, config.metric.args]

    best = asked.best if asked.best is not None else float(metric.maximize)
    right = predicted(problem, competition.train)
    assert problem.score_rows(competition.train, right) == pytest.approx(best, abs=1e-6)
    wrong = np.roll(right, 1, axis=0)
    assert metric.better(best, than=problem.score_rows(competition.train, wrong) + (1e-9 if metric.maximize else -1e-9))

    solution = with_columns(read_solution(config, problem), competition.test, problem)
    answered = competition.train.iloc[[int(i[-2:]) % 10 for i in competition.test[problem.id]]].reset_index(drop=True)
    for name, prediction in (
        ("right", predicted(problem, answered)),
        ("wrong", np.roll(predicted(problem, answered), 1, axis=0)),
    ):
        predictions = pd.concat([competition.test, problem.table(prediction)], axis=1)
        Submission(problem, competition.sample, predictions).save(tmp_path / name)
        written = pd.read_csv(tmp_path / name / "submission.csv", dtype=str, keep_default_na=False)
        sample = pd.read_csv(tmp_path / slug / "sample_submission.csv", dtype=str, keep_default_na=False)
        assert list(written.columns) == list(sample.columns)
        keys = list(sample.columns[: len(asked.id.split())])
        assert written[keys].equals(sample[keys])
        score = score_submission(tmp_path / name / "submission.csv", solution, problem)
        assert score == pytest.approx(problem.score_rows(answered, prediction), abs=1e-9)
        assert (score == pytest.approx(best, abs=1e-6)) == (name == "right")


@pytest.mark.parametrize("slug", SIXTY)
def test_the_samples_form_holds_the_training_labels(slug, tmp_path):
    competition = read_competition(CompetitionConfig(**write(tmp_path / slug, SIXTY[slug])))
    require_round_trip(competition.problem, competition.train, competition.sample)


def test_labels_that_do_not_read_back_are_an_error_with_their_rows(tmp_path, monkeypatch):
    competition = read_competition(CompetitionConfig(**write(tmp_path / "c", SIXTY["dog-breed-identification"])))
    monkeypatch.setattr(answers, "write_answers", lambda *given: write_answers(*given).shift(axis=1, fill_value=0.0))
    with pytest.raises(InputError, match=r"(?s)does not hold the training labels: 12 of 12.*r00"):
        require_round_trip(competition.problem, competition.train, competition.sample)
