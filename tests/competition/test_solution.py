import pandas as pd
import pytest

from goldfold.competition import contract
from goldfold.competition.problem import Problem
from goldfold.competition.solution import Asked, solution_table
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


YES = Problem("a", "table", "id", ("sold",), "binary", ("False", "True"), "roc_auc", "probability")
TAGS = Problem("t", "table", "id", ("tags",), "multilabel", ("x", "y", "z"), "f1_micro", "set")
MARKS = Problem("m", "table", "id", ("x", "y"), "multilabel", (), "roc_auc", "probability")
PAIRS = Problem("b", "table", "id", ("x", "y"), "multilabel", (), "roc_auc", "probability", pair_id="{id}_{label}")
PRICE = Problem("p", "table", "row_number", ("price",), "regression", (), "rmse", "value")
IDS = pd.Series(["a1", "a2", "a3"])


@pytest.mark.parametrize(
    ("problem", "sample", "columns", "targets"),
    [
        (SPECIES, ["species"], {"species": [2, 1, 3], "id": ["A1", "A2", "A3"]}, [["2"], ["1"], ["3"]]),
        (SPECIES, ["species"], {"Image": ["a1.jpg", "a2.jpg", "a3.jpg"], "truth": [2, 1, 3]}, [["2"], ["1"], ["3"]]),
        (
            SPECIES,
            ["c_1", "c_2", "c_3"],
            {"id": IDS, "c_3": [0, 0, 1], "c_1": [0, 1, 0], "c_2": [1, 0, 0]},
            [["2"], ["1"], ["3"]],
        ),
        (SPECIES, ["species"], {"id": IDS, "1": [0, 1, -1], "2": [1, 0, -1], "3": [0, 0, -1]}, [["2"], ["1"]]),
        (SPECIES, ["species"], {"id": IDS, "species": [2, -1, 3]}, [["2"], ["3"]]),
        (SPECIES, ["species"], {"id": IDS, "species": ["2.0", "", "3.0"]}, [["2"], ["3"]]),
        (SPECIES, ["species"], {"id": IDS, "species": [2, 1, 9], "width": [5, 6, 7]}, [["2"], ["1"], ["9"]]),
        (YES, ["sold"], {"id": IDS, "sold": [1, 0, 1]}, [["True"], ["False"], ["True"]]),
        (YES, ["sold"], {"id": IDS, "Answer": ["yes", "no", "yes"]}, [["True"], ["False"], ["True"]]),
        (TAGS, ["tags"], {"id": IDS, "tag_x": [1, 0, 0], "tag_y": [1, 0, 1], "tag_z": [0, 0, 0]}, [["x y"], [""], ["y"]]),
        (MARKS, ["x", "y"], {"id": IDS, "x": [1, -1, 0], "y": [0, -1, 1]}, [[1, 0], [0, 1]]),
        (PAIRS, ["p"], {"id": [f"{i}_{x}" for x in "yx" for i in IDS], "p": [0, 1, "", 1, 1, ""]}, [[1, 0], [1, 1]]),
        (PAIRS, ["p"], {"id": IDS, "x": [1, 1, 0], "y": [0, 1, 0]}, [[1, 0], [1, 1], [0, 0]]),
        (PRICE, ["SalePrice"], {"key": IDS, "SalePrice": [5.5, -1, 3]}, [[5.5], [-1], [3]]),
    ],
)
def test_a_solution_is_read_in_the_forms_in_which_it_is_shipped(tmp_path, problem, sample, columns, targets):
    ids = contract.pair_ids(problem, IDS).to_numpy().ravel() if problem.pair_id else IDS
    asked = Asked.of(problem, pd.DataFrame({"id": ids, **dict.fromkeys(sample, "0")}), pd.DataFrame({problem.id: IDS}))
    read = solution_table(table(tmp_path, **columns), problem, asked=asked)
    assert read[list(problem.targets)].to_numpy().tolist() == targets
    assert set(read[problem.id]) <= set(IDS) and len(read) == len(targets)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"key": ["u", "v", "w"], "species": [1, 2, 2]},
            r"(?s)has no column with the ids of the test rows, such as a1.*key, species",
        ),
        ({"id": IDS, "u": ["p", "q", "r"], "v": [7, 8, 9]}, r"(?s)has no column species.*name the columns of ids and labels"),
        ({"id": IDS, "1": [1, 0, 0], "2": [1, 0, 0], "3": [0, 1, 0]}, r"(?s)have not a single 1 in 1, 2, 3: 2\n  row 2\n  row 4"),
    ],
)
def test_a_solution_whose_columns_are_not_clear_is_asked_about(tmp_path, columns, message):
    asked = Asked.of(SPECIES, pd.DataFrame({"id": IDS, "species": "1"}), pd.DataFrame({"id": IDS}))
    with pytest.raises(InputError, match=message):
        solution_table(table(tmp_path, **columns), SPECIES, asked=asked)
