"""What init works out of the 60 competitions without a word: nearly all, and what it cannot know it asks for."""

import pytest
from tests.competition.sixty import SIXTY
from tests.competition.test_sixty import write

from goldfold.errors import InputError
from goldfold.init import propose
from goldfold.modalities.image import pretrained

ASKED_FOR = {
    "cdiscount-image-classification-challenge": "repeated ids",
    "facebook-recruiting-iii-keyword-extraction": "rows without labels",
    "freesound-audio-tagging-2019": "are labels asked for, or probabilities",
    "imet-2020-fgvc7": "rows without labels",
    "mlsp-2013-birds": "differ in",
    "nfl-player-contact-detection": "are labels asked for, or probabilities",
    "rsna-2022-cervical-spine-fracture-detection": "differ in",
    "rsna-breast-cancer-detection": r'6 test rows share 4 of them(.|\n)*answer_id: "{patient}_{side}"',
}
"""Several images or labels per answer, several labels in a column."""
TAKEN_FOR_ANOTHER = {
    "hms-harmful-brain-activity-classification": ("regression", "value"),
    "hotel-id-2021-fgvc8": ("multiclass", "label"),
    "plant-pathology-2021-fgvc8": ("multiclass", "label"),
}
"""Votes, a ranking that the sample does not show, and several labels in a column."""


@pytest.mark.parametrize("slug", SIXTY)
def test_a_competition_is_worked_out_or_asked_about(slug, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)
    asked, root = SIXTY[slug], tmp_path / slug
    root.mkdir()
    write(root, asked)
    (root / "solution.csv").unlink()
    if slug in ASKED_FOR:
        with pytest.raises(InputError, match=ASKED_FOR[slug]):
            propose(root, str(root), {})
        return
    problem = propose(root, str(root), {}).competition.problem
    assert (problem.task, problem.answer) == TAKEN_FOR_ANOTHER.get(slug, (asked.task, asked.answer))
