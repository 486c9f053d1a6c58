"""Competitions as Kaggle ships them run from init to a submission that their organisers would take."""

from dataclasses import replace

import pandas as pd
import pytest
from tests.competition.shipped import SHIPPED
from tests.competition.test_sixty import predicted

from goldfold.competition import read_competition, read_solution
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError, QuestionError
from goldfold.init import propose
from goldfold.modalities.image import pretrained
from goldfold.prediction import Submission, score_submission, with_columns


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch):
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)


@pytest.mark.parametrize("slug", [slug for slug, shipped in SHIPPED.items() if shipped.settings or not shipped.asked])
def test_init_reads_it_and_a_right_submission_is_right(slug, tmp_path):
    shipped, root = SHIPPED[slug], tmp_path / slug
    root.mkdir()
    shipped.write(root).to_csv(tmp_path / "solution.csv", index=False)
    proposal = propose(root, str(root), shipped.settings, evaluation=shipped.evaluation)
    competition, settings = proposal.competition, {setting.key: setting.value for setting in proposal.settings}
    problem = competition.problem
    assert (problem.task, problem.answer) == (shipped.task, shipped.answer)
    assert settings["competition.modality"] == shipped.modality
    if "image" in shipped.modality:
        assert competition.row_files().missing == []

    written = {key.removeprefix("competition."): value for key, value in settings.items() if key.startswith("competition.")}
    config = CompetitionConfig(**{**written, "solution": str(tmp_path / "solution.csv")})
    assert read_competition(config).problem == replace(problem, modality=shipped.modality)
    solution = with_columns(read_solution(config, problem, competition.sample, competition.test), competition.test, problem)
    seen = problem if not (unseen := problem.unseen(solution)) else problem.with_classes(unseen)
    right = predicted(seen, by_id(solution, competition.test[problem.id], problem))
    right = right[..., : len(problem.classes)] if unseen else right
    predictions = pd.concat([competition.test, problem.table(right)], axis=1)
    Submission(problem, competition.sample, predictions).save(tmp_path / "out")
    written = pd.read_csv(tmp_path / "out/submission.csv", dtype=str, keep_default_na=False)
    assert list(written.columns) == list(competition.sample.columns) and len(written) == len(competition.sample)
    best = shipped.best if shipped.best is not None else float(problem.scored_by.maximize)
    assert score_submission(tmp_path / "out/submission.csv", solution, problem) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("slug", [slug for slug, shipped in SHIPPED.items() if shipped.asked])
def test_what_the_files_leave_open_is_asked(slug, tmp_path):
    shipped, root = SHIPPED[slug], tmp_path / slug
    root.mkdir()
    shipped.write(root)
    paths = {key: value for key, value in shipped.settings.items() if key in ("train", "test")}
    with pytest.raises(InputError, match=shipped.asked):
        propose(root, str(root), paths, evaluation=shipped.evaluation)


def by_id(solution, ids, problem):
    """The solution's rows in the order of ids."""
    return solution.drop_duplicates(problem.id).set_index(problem.id).loc[list(ids)].reset_index()


def test_the_table_that_has_the_target_is_the_training_table(tmp_path):
    SHIPPED["PLAsTiCC-2018"].write(tmp_path)
    with pytest.raises(QuestionError, match="asks for class_99, which no training row has"):
        propose(tmp_path, str(tmp_path), {})
