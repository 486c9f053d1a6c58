import pandas as pd
import pytest

from goldfold.competition.problem import Problem
from goldfold.competition.solution import solution_table
from goldfold.errors import InputError

SPECIES = Problem("pets", "table", "id", ("species",), "multiclass", ("1", "2", "3"), "accuracy", "label")


def table(tmp_path, **columns):
    path = tmp_path / "solution.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_usage_is_known_however_it_is_spelt_and_whole_numbers_are_labels(tmp_path):
    path = table(tmp_path, id=["a", "b", "c"], species=["1.0", "2.0", "3.0"], usage=["public", "PRIVATE", "Ignored"])
    read = solution_table(path, SPECIES)
    assert read["species"].tolist() == ["1", "2"] and read["Usage"].tolist() == ["Public", "Private"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a", "b", "a"], "species": ["1", "2", "3"]}, r"(?s)ids with two answers: 1.*id a"),
        ({"id": ["a", "b", "c"], "species": ["1", "", "3"]}, r"(?s)rows without a label: 1.*row 3"),
        (
            {"id": ["a", "b"], "species": ["1", "4"], "Usage": ["Ignored", "Public"]},
            r"(?s)none .* is a class\n  4\n.*are 1, 2, 3",
        ),
        ({"id": ["a"], "species": ["1"], "Usage": ["Ignored"]}, "has no rows to score by"),
        ({"id": ["a"], "species": ["1"], "Usage": ["Public"], "usage": ["Public"]}, "has several columns Usage"),
        ({"id": ["a"], "species": ["1"], "Usage": ["Pubic"]}, r"(?s)other than Public, Private, Ignored: 1.*row 2: Pubic"),
    ],
)
def test_labels_that_are_none_are_named_by_their_row(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        solution_table(table(tmp_path, **columns), SPECIES)


def test_an_id_that_stands_twice_with_the_same_answer_is_no_trouble(tmp_path):
    assert len(solution_table(table(tmp_path, id=["a", "a"], species=["1", "1"]), SPECIES)) == 2
