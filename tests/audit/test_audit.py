import json
import os
import re

import numpy as np
import pandas as pd
import pytest
from tests.audit.test_duplicate_images import jpeg, png
from tests.modalities.texts import write_stories

from goldfold.audit import audit, require_sound
from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import prepare
from goldfold.terminal import show_audit


@pytest.mark.slow
def test_nothing_is_found_in_the_embedded_digits(tmp_path, capsys):
    write_digits(tmp_path / "digits", tmp_path / "solution.csv")
    read = read_competition(CompetitionConfig(path=str(tmp_path / "digits")))
    prepared, _ = prepare(read, SplitConfig(), ImagePrepareConfig(), tmp_path / "prepared")
    found = audit(prepared, read, ImagePrepareConfig())
    show_audit(found)
    assert capsys.readouterr().out == f"audit: nothing found, page at {tmp_path}/prepared/audit/audit.html\n"


@pytest.mark.slow
def test_duplicates_conflicts_and_leaks_into_the_test_set_are_told(write_photos, audited, photos):
    more = {"x1": jpeg(photos[1], 60), "x2": png(photos[2]), "t99": png(photos[3][:, ::-1])}
    root = write_photos(more, labels={"p1": "a", "x1": "b", "p2": "a", "x2": "a"})
    prepared, found, result = audited(root)
    assert found["duplicates"].message == "6 rows in 3 groups are the same, or nearly: 1 mirrored, 1 near, 1 exact"
    assert found["train and test"].message.startswith("1 of 41 test rows") and found["conflicts"].message.startswith("1 group ")
    assert "duplicates across folds" not in found and [each.serious for each in result.findings] == [True, True, False]

    card = json.loads((prepared.folder / "audit/audit.json").read_text())
    groups = {tuple(row["id"] for row in group["rows"]): group for group in card["duplicates"]}
    assert set(groups) == {("p1", "x1"), ("p2", "x2"), ("p3", "t99")}
    assert groups["p1", "x1"]["conflict"] and groups["p3", "t99"]["across_train_and_test"]
    assert groups["p3", "t99"]["rows"][1]["fold"] == "test"

    page = result.page.read_text()
    assert page.count("<article>") == 3 and page.count("<img") == 6 and "different y" in page
    assert not re.findall(r"<(?:script|link|iframe|object)|@import|url\(", page)
    assert all(address.startswith("data:image/") for address in re.findall(r'src="(.*?)"', page))


def test_fail_ends_with_what_was_found_and_leaves_the_page(write_photos, audited, photos):
    root = write_photos({"x1": jpeg(photos[1], 60)}, labels={"p1": "a", "x1": "b"})
    _, _, found = audited(root)
    config = ImagePrepareConfig(audit="fail")
    with pytest.raises(InputError, match=r"conflicts: 1 group(.|\n)*audit\.html") as error:
        require_sound(found, config)
    assert "duplicates:" not in str(error.value) and found.page.is_file()
    require_sound(found, ImagePrepareConfig(audit="warn"))


def test_what_is_good_to_know_fails_nothing(write_photos, audited, photos):
    _, found, result = audited(write_photos({"x1": png(photos[1])}, labels={"p1": "a", "x1": "a"}))
    assert list(found) == ["duplicates"]
    require_sound(result, ImagePrepareConfig(audit="fail"))


def test_off_looks_for_nothing(write_photos, audited, photos):
    prepared, _, found = audited(write_photos({"x1": png(photos[1])}), prepare_={"audit": "off"})
    assert found is None and not (prepared.folder / "audit").exists() and not (prepared.folder / "duplicates.parquet").exists()


@pytest.mark.slow
def test_a_target_that_the_file_tells_is_found(write_photos, audited, photos):
    root = write_photos(suffix="jpg")
    table = pd.read_csv(root / "train.csv")
    table["y"] = np.where(np.arange(len(table)) % 3 == 0, "a", "b")
    table.to_csv(root / "train.csv", index=False)
    for name, label in zip(table["id"], table["y"], strict=True):
        path = root / f"images/{name}.png"
        path.write_bytes(path.read_bytes() + bytes(9000 if label == "a" else 0) + b"\xff\xd9")
        os.utime(path, (1.6e9 + 86400 * (label == "a") + int(name[1:]) * 60,) * 2)
    _, found, _ = audited(root)
    assert (
        re.search(r"y can be predicted from the file's .*size \(ROC AUC 1\.00\)", found["files"].message)
        and not found["files"].serious
    )
    assert "the file's date (ROC AUC 1.00)" in found["ids and dates"].message and found["ids and dates"].serious


def test_a_target_that_the_id_tells_is_found(write_rows, audited):
    def plant(train, test):
        order = np.argsort(np.argsort(train["answer"] + np.random.default_rng(0).normal(size=len(train)) / 2, kind="stable"))
        return train.assign(id=[f"r{number}" for number in order]), test

    _, found, _ = audited(write_rows(plant), "table")
    assert list(found) == ["ids and dates"] and "the number in the id (ROC AUC 0.9" in found["ids and dates"].message


def test_a_table_sorted_by_the_target_is_told_and_fails_nothing(write_rows, audited):
    _, found, _ = audited(write_rows(lambda train, test: (train.sort_values("answer"), test)), "table")
    assert list(found) == ["order"] and "the position in the table" in found["order"].message and not found["order"].serious


def test_rows_in_any_order_tell_nothing(write_rows, audited):
    assert not audited(write_rows(lambda train, test: (train.sample(frac=1, random_state=0), test)), "table")[1]


def test_test_rows_of_another_kind_are_told_apart(write_rows, audited):
    _, found, _ = audited(write_rows(lambda train, test: (train, test.assign(number=test["number"] + 2))), "table")
    assert "by number" in found["train and test differ"].message and not found["train and test differ"].serious


@pytest.mark.slow
def test_groups_that_the_test_set_keeps_apart_are_found(write_rows, audited):
    def plant(train, test):
        train = train.assign(house=[f"h{row // 6}" for row in range(len(train))])
        return train, test.assign(house=[f"n{row // 6}" for row in range(len(test))])

    root = write_rows(plant)
    _, found, _ = audited(root, "table")
    assert "50 groups by house: 100% of the validation rows" in found["groups across folds"].message
    assert "0% of the test rows" in found["groups across folds"].message
    _, found, _ = audited(root, "table", split={"strategy": "stratified_group", "group": "house"})
    assert "groups across folds" not in found


def test_a_column_that_train_and_test_share_alike_is_no_group(write_rows, audited):
    def plant(train, test):
        return tuple(table.assign(town=[f"h{row % 25}" for row in range(len(table))]) for table in (train, test))

    _, found, _ = audited(write_rows(plant), "table")
    assert not found


def test_a_group_by_name_that_the_test_table_lacks_is_found(write_rows, audited):
    root = write_rows(lambda train, test: (train.assign(patient_id=[row // 6 for row in range(len(train))]), test))
    _, found, _ = audited(root, "table")
    assert "by patient_id" in found["groups across folds"].message and "set split.group" in found["groups across folds"].message


@pytest.mark.slow
def test_values_side_by_side_show_where_rows_differ(write_rows, audited):
    def plant(train, test):
        wide = [
            table.assign(**{f"n{k}": np.random.default_rng(k).normal(size=len(table)) for k in range(20)})
            for table in (train, test)
        ]
        copy = wide[0].iloc[[4]].assign(id="copy", n7=0.5)
        return pd.concat([wide[0], copy]), wide[1]

    _, found, result = audited(write_rows(plant), "table")
    assert "1 near" in found["duplicates"].message
    assert re.search(r"<td>≠ n7</td><td>\S+</td><td>0\.5</td>", result.page.read_text())


def test_texts_are_audited(tmp_path, audited):
    root = write_stories(tmp_path / "stories")
    table = pd.read_csv(root / "train.csv")
    again = table[table["story"].str.split().str.len() > 8].iloc[:1]
    label = "sky" if again["label"].iloc[0] == "sea" else "sea"
    again = again.assign(id="again", label=label, story=again["story"].str.upper())
    pd.concat([table, again]).to_csv(root / "train.csv", index=False)
    _, found, result = audited(root, "text", target="label")
    assert "conflicts" in found and "2 exact" in found["duplicates"].message and "<blockquote>" in result.page.read_text()


@pytest.mark.slow
def test_several_kinds_at_once_tell_of_each(write_photos, audited, photos):
    root = write_photos({"x1": jpeg(photos[1], 60)})
    for name in ("train", "test"):
        table = pd.read_csv(root / f"{name}.csv")
        table.assign(size=np.random.default_rng(0).normal(size=len(table))).to_csv(root / f"{name}.csv", index=False)
    _, found, result = audited(root, "image+table")
    assert "1 near image" in found["duplicates"].message and "≠ size" in result.page.read_text()


def test_a_few_rows_are_audited_as_such(write_photos, audited):
    prepared, _, found = audited(write_photos(), prepare_={"rows": 12})
    assert found is not None and f"{len(prepared.train)} training rows" in found.page.read_text()


@pytest.mark.slow
def test_the_same_data_give_the_same_audit(write_photos, audited, photos):
    root = write_photos({"x1": jpeg(photos[1], 60)})
    texts = [tuple(path.read_bytes() for path in sorted(audited(root)[2].page.parent.iterdir())) for _ in range(2)]
    assert texts[0] == texts[1]
