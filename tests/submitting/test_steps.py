"""The steps of a code submission, kept beside its bundle."""

from pathlib import Path

import pytest

from goldfold.errors import InputError
from goldfold.submitting.steps import Attempt, Version, steps_of


def test_what_was_kept_is_read_again(tmp_path):
    bundle = tmp_path / "mine"
    with steps_of(bundle) as steps:
        steps.keep(data_set=Version("ann/mine", "abc", 0))
        steps.keep(submission=Attempt("abc", "first", "2026-11-27T10:00:00+00:00", before=3))
    with steps_of(bundle) as steps:
        assert steps.data_set == Version("ann/mine", "abc", 0) and steps.kernel is None and steps.submission.before == 3
    assert Path(f"{bundle}.kaggle/steps.json").is_file()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"data_set": {"ref": 1}, "kernel": null, "submission": null}'])
def test_what_is_damaged_is_told_with_what_deleting_it_costs(tmp_path, content):
    path = tmp_path / "mine.kaggle/steps.json"
    path.parent.mkdir()
    path.write_text(content)
    with (
        pytest.raises(InputError, match=r"(?s)steps.json is damaged.*see on Kaggle what was submitted"),
        steps_of(tmp_path / "mine"),
    ):
        pass
