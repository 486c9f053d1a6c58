"""Parquet, JSON, Excel and packed files become the same texts as CSV."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from goldfold.errors import InputError
from goldfold.tables import header_of, is_table, read_text_table

CSV = b"id,label\n007,a\n8,\n"


def columns(table):
    return table.cells.to_dict("list")


@pytest.fixture
def read_json(tmp_path):
    def written(value, name="t.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return read_text_table(path)

    return written


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv.gz", gzip.compress(CSV)),
        ("t.csv.bz2", bz2.compress(CSV)),
        ("t.csv.xz", lzma.compress(CSV)),
        ("t.csv.zst", zstd(CSV)),
        ("t.csv.zip", zipped(**{"t.csv": CSV, "__MACOSX/._t.csv": b"x"})),
        ("t.csv", zipped(**{"t.csv": CSV})),  # as Kaggle's API sends it
        ("t.zip", zipped(**{"t.csv.gz": gzip.compress(CSV)})),
        ("t.json.gz", gzip.compress(b'[{"id": "007", "label": "a"}, {"id": 8, "label": null}]')),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed bytes hold the time of day
)
def test_packed_tables_are_read_by_themselves(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert columns(read_text_table(tmp_path / name)) == {"id": ["007", "8"], "label": ["a", ""]}
    assert header_of(tmp_path / name) == ["id", "label"]


def test_an_archive_of_several_files_names_them(tmp_path):
    (tmp_path / "t.csv.zip").write_bytes(zipped(**{"a.csv": CSV, "b.csv": CSV}))
    with pytest.raises(InputError, match=r"holds 2 files[^$]*a\.csv\n *b\.csv"):
        read_text_table(tmp_path / "t.csv.zip")


def test_damage_and_passwords_are_one_message(tmp_path):
    path = tmp_path / "t.csv.zip"
    whole = zipped(**{"t.csv": CSV * 100})
    secret = bytearray(whole)
    secret[6] |= 1
    secret[whole.index(b"PK\x01\x02") + 8] |= 1
    for data, message in ((whole[:-30], "damaged"), (bytes(secret), "password")):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_text_table(path)
    for name, data in (
        ("t.gz", gzip.compress(CSV)),
        ("t.bz2", bz2.compress(CSV)),
        ("t.xz", lzma.compress(CSV)),
        ("t.zst", zstd(CSV)),
    ):
        (tmp_path / name).write_bytes(data[:-5])
        with pytest.raises(InputError, match="damaged"):
            read_text_table(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["a.csv", "A.CSV", "a.tsv.gz", "a.parquet", "a.feather", "a.json", "a.jsonl.xz", "a.xlsx", "a.csv.zst", "a.csv.zip"]
)
def test_a_table_is_seen_by_its_name(name):
    assert is_table(Path(name))


@pytest.mark.parametrize("name", ["a.zip", "a.gz", "README.txt", "a.png", "csv", "a.csv.dvc"])
def test_other_files_are_no_tables(name):
    assert not is_table(Path(name))


def test_parquet_is_read_with_its_index_and_without_what_is_no_cell(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"n": [1.0, None], "meta": [{"a": 1}, {"a": 2}], "tags": [["a"], []]}, index=["x", "y"])
    frame.rename_axis("id").to_parquet(path)
    table = read_text_table(path)
    assert columns(table) == {"n": ["1", ""], "tags": ['["a"]', "[]"], "id": ["x", "y"]}
    assert table.left_out == {"meta": "a struct, not a value"} and list(table.rows) == [2, 3]
    assert header_of(path) == list(table.cells)
    frame.set_axis([7, 9]).to_parquet(path)
    assert list(read_text_table(path).left_out) == ["meta", "__index_level_0__"]
    frame.drop(columns=["meta", "tags"]).to_parquet(path)
    assert header_of(path) == list(read_text_table(path).cells) == ["n", "unnamed1"]
    # pandas keeps an index that counts outside of the columns.
    frame[["n"]].set_axis(pd.RangeIndex(91, 93, name="id")).to_parquet(path)
    assert header_of(path) == list(read_text_table(path).cells) == ["id", "n"]
    assert columns(read_text_table(path)) == {"id": ["91", "92"], "n": ["1", ""]}


def test_feather_is_read_as_parquet_is(tmp_path):
    path = tmp_path / "t.feather"
    pd.DataFrame({"n": [1.0, None], "at": pd.to_datetime(["2020-01-01", "2020-01-02"])}).to_feather(path)
    assert columns(read_text_table(path))["n"] == ["1", ""] and header_of(path) == ["n", "at"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged Feather file"):
        read_text_table(path)


ROWS = {"id": ["1", "2"], "size": ["1.50", ""], "ok": ["True", "False"]}


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": 1, "size": 1.50, "ok": true}, {"id": "2", "ok": false}]',
        '{"id": 1, "size": 1.50, "ok": true}\n\n{"id": 2, "size": null, "ok": false}\n',
        '{"data": [{"id": 1, "size": 1.50, "ok": true}, {"id": 2, "ok": false}]}',
        '{"id": [1, 2], "size": [1.50, null], "ok": [true, false]}',
        '{"id": {"0": 1, "1": 2}, "size": {"0": 1.50, "1": null}, "ok": {"0": true, "1": false}}',
        '{"0": {"id": 1, "size": 1.50, "ok": true}, "1": {"id": 2, "size": null, "ok": false}}',
        '{"columns": ["id", "size", "ok"], "index": [0, 1], "data": [[1, 1.50, true], [2, null, false]]}',
    ],
)
def test_json_is_read_in_all_its_usual_forms(read_json, text):
    assert columns(read_json(text)) == ROWS


def test_records_by_their_keys_keep_the_keys(read_json):
    table = read_json({"a.mp4": {"label": "FAKE"}, "b.mp4": {"label": "REAL"}, "c.mp4": {"label": "REAL"}})
    assert columns(table) == {"key": ["a.mp4", "b.mp4", "c.mp4"], "label": ["FAKE", "REAL", "REAL"]}


def test_lists_stay_and_nested_values_are_left_out(read_json):
    table = read_json('[{"id": 1, "tags": ["é", 2, 0.50], "user": {"a": 1}, "boxes": [[1, 2]]}, {"id": 2, "tags": []}]')
    assert columns(table) == {"id": ["1", "2"], "tags": ['["é",2,0.50]', "[]"]}
    assert table.left_out == {"user": "a struct, not a value", "boxes": "lists of lists or structs, not a value"}


def test_images_are_joined_with_their_annotations_and_categories(read_json):
    value = {
        "info": {},
        "images": [{"id": "i1", "file_name": "1.jpg"}, {"id": "i2", "file_name": "2.jpg"}, {"id": "i3", "file_name": "3.jpg"}],
        "annotations": [{"id": 5, "image_id": "i2", "category_id": 1}, {"id": 6, "image_id": "i1", "category_id": 0}],
        "categories": [{"id": 0, "name": "empty"}, {"id": 1, "name": "deer"}],
    }
    table = read_json(value)
    assert columns(table) == {
        "id": ["i1", "i2", "i3"],
        "file_name": ["1.jpg", "2.jpg", "3.jpg"],
        "annotation_id": ["6", "5", ""],
        "category_id": ["0", "1", ""],
        "category_name": ["empty", "deer", ""],
    }
    assert any("id as annotation_id" in remark for remark in table.remarks)
    value["annotations"].append({"id": 7, "image_id": "i1", "category_id": 1})
    table = read_json(value)
    assert columns(table)["category_id"] == ["[0,1]", "[1]", ""]
    assert any("these are lists" in remark for remark in table.remarks)


def test_images_alone_are_a_table(read_json):
    table = read_json({"images": [{"id": 1}], "categories": [{"id": 0, "name": "empty"}]})
    assert columns(table) == {"id": ["1"]} and "categories" in table.remarks[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 1},', "not JSON"),
        ('{"id": 1}\n{"id": \n', "row 2"),
        ("[1, 2]", "no table"),
        ('{"a": [{"id": 1}], "b": [{"id": 2}]}', "several tables"),
        ("[]", "no table"),
    ],
)
def test_other_json_is_one_message(read_json, text, message):
    with pytest.raises(InputError, match=message):
        read_json(text)


def test_a_workbook_is_read_from_its_first_sheet_with_rows(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    workbook.active.title = "cover"
    sheet = workbook.create_sheet("data")
    rows = [["id", "n", "day", "note"], ["007", 1, pd.Timestamp("2020-01-31"), None], [None] * 4, ["8", None, None, "x"]]
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("notes").append(["read me"])
    path = tmp_path / "t.xlsx"
    workbook.save(path)
    table = read_text_table(path)
    assert columns(table) == {"id": ["007", "8"], "n": ["1", ""], "day": ["2020-01-31", ""], "note": ["", "x"]}
    assert list(table.rows) == [2, 4] and "notes" in table.remarks[0] and header_of(path) == list(table.cells)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        read_text_table(path)


def test_a_workbook_of_several_tables_is_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    workbook.active.title = "train"
    for sheet in (workbook.active, workbook.create_sheet("test")):
        sheet.append(["id", "a"])
        sheet.append([1, 2])
    workbook.save(tmp_path / "data.xlsx")
    with pytest.raises(InputError, match=r"(?s)has sheets that are tables of their own: train, test.*train.csv and test.csv"):
        read_text_table(tmp_path / "data.xlsx")


def test_without_openpyxl_a_workbook_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    (tmp_path / "t.xlsx").write_bytes(zipped(**{"[Content_Types].xml": b""}))
    with pytest.raises(InputError, match=r"pip install -r requirements-excel\.txt"):
        read_text_table(tmp_path / "t.xlsx")
