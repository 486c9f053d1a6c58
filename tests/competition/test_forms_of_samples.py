"""Sample submissions in unusual forms: the answer has the sample's form, and a right one scores as right."""

import pandas as pd
import pytest
from tests.competition.test_sixty import predicted
from tests.conftest import write_image

from goldfold.competition import labels, read_competition, read_solution
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError, QuestionError
from goldfold.prediction import Submission, score_submission

TRAIN, TEST = 12, 4
CLASSES = ["ant", "bee", "cow", "bee"]


def table(rows, start, targets=None, name="id", step=7):
    """Rows of a number and a word, below ids in an order of their own."""
    ids = {} if name is None else {name: [start + at * step % 13 for at in range(rows)]}
    words = [["red", "green"][at % 2] for at in range(rows)]
    return pd.DataFrame({**ids, "size": [at * 1.5 for at in range(rows)], "colour": words, **(targets or {})})


def write(root, train, test, sample):
    for name, rows in (("train", train), ("test", test), ("sample_submission", sample)):
        rows.to_csv(root / f"{name}.csv", index=False)
    return CompetitionConfig(path=str(root), modality="table", answer="label" if sample.shape[1] < 3 else None)


def answered(root, config):
    """The lines of a submission that is right, as competition.solution tells, and its score."""
    competition = read_competition(config)
    problem = competition.problem
    solution = read_solution(config, problem, competition.sample, competition.test)
    rows = solution.set_index(problem.id).loc[list(competition.test[problem.id])].reset_index()
    predictions = pd.concat([competition.test, problem.table(predicted(problem, rows))], axis=1)
    Submission(problem, competition.sample, predictions).save(root / "out")
    path = root / "out/submission.csv"
    return path.read_text().splitlines(), score_submission(path, solution, problem, competition.sample)


@pytest.mark.parametrize("ids", ["id", None])
def test_a_sample_without_ids_is_answered_in_the_order_of_the_test_rows(tmp_path, ids):
    train = table(TRAIN, 0, {"y": CLASSES * 3}, ids)
    config = write(tmp_path, train, table(TEST, 50, name=ids), pd.DataFrame({"y": ["ant"] * TEST}))
    pd.DataFrame({"y": CLASSES}).to_csv(tmp_path / "solution.csv", index=False)
    lines, score = answered(tmp_path, config.model_copy(update={"solution": str(tmp_path / "solution.csv")}))
    assert lines == ["y", *CLASSES] and score == 1


def test_a_sample_of_probabilities_without_ids_keeps_its_columns(tmp_path):
    sample = pd.DataFrame({"cow": [0.2] * TEST, "ant": 0.4, "bee": 0.4})
    config = write(tmp_path, table(TRAIN, 0, {"y": CLASSES * 3}), table(TEST, 50), sample)
    pd.DataFrame({"id": table(TEST, 50)["id"], "y": CLASSES}).to_csv(tmp_path / "solution.csv", index=False)
    lines, _ = answered(tmp_path, config.model_copy(update={"solution": str(tmp_path / "solution.csv")}))
    assert lines[:3] == ["cow,ant,bee", "0.0,1.0,0.0", "0.0,0.0,1.0"]


def test_a_sample_without_ids_has_as_many_rows_as_the_test_table(tmp_path):
    config = write(tmp_path, table(TRAIN, 0, {"y": CLASSES * 3}), table(TEST, 50), pd.DataFrame({"y": ["ant"] * 3}))
    with pytest.raises(InputError, match=r"holds y and no ids.*it has 3 rows, and test.csv has 4"):
        read_competition(config)


@pytest.mark.parametrize("header", ["", "Unnamed: 0"])
@pytest.mark.parametrize("own", [True, False])
def test_ids_without_a_name_keep_their_header(tmp_path, header, own):
    test = table(TEST, 50, name=header if own else "key")
    sample = pd.DataFrame({header: test.iloc[:, 0], "y": "ant"})
    config = write(tmp_path, table(TRAIN, 0, {"y": CLASSES * 3}, header if own else "key"), test, sample)
    pd.DataFrame({header: test.iloc[:, 0], "y": CLASSES}).to_csv(tmp_path / "solution.csv", index=False)
    lines, score = answered(tmp_path, config.model_copy(update={"solution": str(tmp_path / "solution.csv")}))
    ids = [50, 57, 51, 58]
    assert lines == [f"{header},y", *(f"{i},{label}" for i, label in zip(ids, CLASSES, strict=True))] and score == 1


def test_a_sample_may_name_ids_that_tables_have_without_a_name(tmp_path):
    test = table(TEST, 50, name="")
    config = write(tmp_path, table(TRAIN, 0, {"y": CLASSES * 3}, ""), test, pd.DataFrame({"Id": test.iloc[:, 0], "y": "ant"}))
    competition = read_competition(config)
    assert competition.test[competition.problem.id].tolist() == ["50", "57", "51", "58"]
    assert competition.sample.columns.tolist() == ["Id", "y"]


def test_a_target_that_the_test_table_has_without_values_is_the_target(tmp_path):
    sample = pd.DataFrame({"Id": [50, 57, 51, 58], "Probability": [0.1, 0.2, 0.3, 0.4]})
    train = table(TRAIN, 0, {"Delinquent": [0, 1] * 6})
    config = write(tmp_path, train, table(TEST, 50, {"Delinquent": ""}), sample).model_copy(update={"answer": None})
    problem = read_competition(config).problem
    assert (problem.targets, problem.answer) == (("Delinquent",), "probability")


def test_names_that_no_file_has_are_no_names(tmp_path):
    for name, rows in (("train", table(TRAIN, 0, {"y": [0, 1] * 6})), ("test", table(TEST, 50))):
        rows.to_csv(tmp_path / f"{name}.csv", index=False, header=False)
    sample = pd.DataFrame({"id": [50, 57, 51, 58], "column2": [0, 1, 0, 1]})
    sample.to_csv(tmp_path / "sample_submission.csv", index=False)
    config = CompetitionConfig(path=str(tmp_path), modality="table", header=False)
    problem = read_competition(config).problem
    assert (problem.id, problem.targets, problem.task) == ("column1", ("column4",), "binary")
    sample.to_csv(tmp_path / "sample_submission.csv", index=False, header=False)
    with pytest.raises(InputError, match="begins with a row, not with the names"):
        read_competition(config)


@pytest.mark.parametrize(("train", "sample", "mark"), [("a|b", "c a", " "), ("a b", "b,c", ","), ("['a', 'b']", "c|b", "|")])
def test_several_labels_are_separated_as_the_sample_does(tmp_path, train, sample, mark):
    alone = "['{}']" if train.startswith("[") else "{}"
    labels = [train, alone.format("c"), train.replace("a", "c"), alone.format("b"), alone.format("a")]
    config = write(
        tmp_path, table(10, 0, {"tags": labels * 2}), table(TEST, 50), table(TEST, 50, {"tags": sample})[["id", "tags"]]
    )
    pd.DataFrame({"id": table(TEST, 50)["id"], "tags": labels[:TEST]}).to_csv(tmp_path / "solution.csv", index=False)
    lines, score = answered(tmp_path, config.model_copy(update={"solution": str(tmp_path / "solution.csv"), "answer": None}))
    both = f'"a{mark}b"' if mark == "," else f"a{mark}b"
    assert lines[:3] == ["id,tags", f"50,{both}", "57,c"] and score == 1


def test_a_ranking_is_separated_as_the_sample_does(tmp_path):
    sample = table(TEST, 50, {"y": "ant,bee,cow"})[["id", "y"]]
    config = write(tmp_path, table(TRAIN, 0, {"y": CLASSES * 3}), table(TEST, 50), sample)
    problem = read_competition(config.model_copy(update={"answer": None})).problem
    assert (problem.answer, problem.mark) == ("ranking", ",")


def test_a_sample_of_lists_is_told(tmp_path):
    labels = ["['a', 'b']", "['c']"]
    sample = table(TEST, 50, {"tags": "['a']"})[["id", "tags"]]
    config = write(tmp_path, table(TRAIN, 0, {"tags": labels * 6}), table(TEST, 50), sample)
    with pytest.raises(InputError, match=r"labels of a row as a list, \['a'\]"):
        read_competition(config.model_copy(update={"answer": None}))


def test_labels_of_two_cases_are_two_where_the_sample_has_both(tmp_path):
    labels, ids = ["Cat", "cat", "dog", "dog"], {"id": [50, 57, 51, 58]}
    for sample in (pd.DataFrame({**ids, "y": labels}), pd.DataFrame({**ids, "Cat": 0.3, "cat": 0.3, "dog": 0.4})):
        config = write(tmp_path, table(TRAIN, 0, {"y": labels * 3}), table(TEST, 50), sample)
        assert read_competition(config).problem.classes == ("Cat", "cat", "dog")


def test_labels_that_may_be_several_words_are_asked_about(tmp_path):
    sample = table(TEST, 50, {"y": "a b c"})[["id", "y"]]
    config = write(tmp_path, table(TRAIN, 0, {"y": ["a b", "b", "c a", "a b c"] * 3}), table(TEST, 50), sample)
    with pytest.raises(QuestionError, match="are they one label, or several of 3 separated by ' '"):
        read_competition(config.model_copy(update={"answer": None}))


def test_zeros_for_labels_without_a_zero_are_a_question(tmp_path):
    config = write(tmp_path, table(TRAIN, 0, {"y": [-1, 1] * 6}), table(TEST, 50), table(TEST, 50, {"y": 0})[["id", "y"]])
    with pytest.raises(QuestionError, match="holds 0 alone: are labels asked for, or probabilities"):
        read_competition(config.model_copy(update={"answer": None}))


def test_ids_without_a_name_keep_their_header_without_a_test_table(tmp_path):
    train, sample = table(TRAIN, 0, {"y": CLASSES * 3}, ""), pd.DataFrame({"": [50, 57, 51, 58], "y": "ant"})
    for name, rows in (("train", train), ("sample_submission", sample)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    competition = read_competition(CompetitionConfig(path=str(tmp_path), modality="image", answer="label"))
    assert competition.train[competition.problem.id].tolist() == train[""].astype(str).tolist()
    assert (competition.sample.columns.tolist(), competition.problem.ids) == (["", "y"], "unnamed")


@pytest.mark.parametrize(("header", "told"), [("", None), (None, "holds y and no ids")])
def test_a_folder_of_images_is_answered_as_its_sample_has_ids(tmp_path, header, told):
    for name in ("train/ant/1", "train/ant/2", "train/bee/3", "train/bee/4", "test/5", "test/6"):
        write_image(tmp_path / f"{name}.png", 7)
    ids = {} if header is None else {header: ["5.png", "6.png"]}
    pd.DataFrame({**ids, "y": ["ant"] * 2}).to_csv(tmp_path / "sample_submission.csv", index=False)
    config = CompetitionConfig(path=str(tmp_path), modality="image")
    if told:
        with pytest.raises(InputError, match=told):
            read_competition(config)
    else:
        assert read_competition(config).sample.columns.tolist() == ["", "y"]


def test_a_label_is_compared_once_however_many_rows_have_it(monkeypatch):
    compared, plain = [], labels._plain
    monkeypatch.setattr(labels, "_plain", lambda label: compared.append(label) or plain(label))
    rows = pd.Series(["Cat", "dog", "1.0"] * 1000)
    assert labels.as_classes(rows, ["cat", "dog", "1"]).tolist() == ["cat", "dog", "1"] * 1000 and len(compared) == 6


def test_labels_put_together_are_asked_about_however_few_there_are(tmp_path):
    sample = table(TEST, 50, {"y": "a; b"})[["id", "y"]]
    config = write(tmp_path, table(TRAIN, 0, {"y": ["a", "a; b", "a; b; c"] * 4}), table(TEST, 50), sample)
    with pytest.raises(QuestionError, match="are they one label, or several of 3 separated by ';'"):
        read_competition(config.model_copy(update={"answer": None}))
    config = write(
        tmp_path, table(TRAIN, 0, {"y": ["Bern, CH", "Rome, IT", "Lyon, FR"] * 4}), table(TEST, 50), sample.assign(y="Rome, IT")
    )
    assert read_competition(config).problem.task == "multiclass"


def test_a_target_of_dates_is_asked_about(tmp_path):
    days = [f"2020-01-{day:02d}" for day in range(1, 7)]
    config = write(tmp_path, table(TRAIN, 0, {"y": days * 2}), table(TEST, 50), table(TEST, 50, {"y": days[0]})[["id", "y"]])
    with pytest.raises(QuestionError, match=r"(?s)y is a date, such as 2020-01-01.*task: multiclass"):
        read_competition(config)
    assert len(read_competition(config.model_copy(update={"task": "multiclass"})).problem.classes) == 6


def test_lists_of_numbers_that_do_not_rise_are_no_masks(tmp_path):
    pixels = [" ".join(str((row * 37 + at * 91) % 256) for at in range(24)) for row in range(TRAIN)]
    config = write(tmp_path, table(TRAIN, 0, {"y": pixels}), table(TEST, 50), table(TEST, 50, {"y": "1 1"})[["id", "y"]])
    with pytest.raises(InputError, match="they are no classes"):
        read_competition(config)


def test_columns_of_classes_may_be_spelt_with_other_marks(tmp_path):
    labels, test = ["New York", "Rome", "Los Angeles"], table(TEST, 50)
    sample = test[["id"]].assign(Los_Angeles=0.2, New_York=0.5, Rome=0.3)
    problem = read_competition(write(tmp_path, table(TRAIN, 0, {"y": labels * 4}), test, sample)).problem
    assert problem.classes == ("Los Angeles", "New York", "Rome") and problem.answer == "probability"


def test_a_binary_sample_may_have_a_column_for_each_class(tmp_path):
    truth = ["1", "0", "1", "1"]
    train, test = table(TRAIN, 0, {"won": ["0", "1", "1"] * 4}), table(TEST, 50)
    config = write(tmp_path, train, test, test[["id"]].assign(**{"0": 0.5, "1": 0.5}))
    test[["id"]].assign(won=truth).to_csv(tmp_path / "solution.csv", index=False)
    lines, score = answered(tmp_path, config.model_copy(update={"solution": str(tmp_path / "solution.csv")}))
    assert lines[0] == "id,0,1" and score == pytest.approx(1, abs=0.01)
    assert [round(float(line.split(",")[2])) for line in lines[1:]] == list(map(int, truth))
