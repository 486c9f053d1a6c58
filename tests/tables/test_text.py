"""Typed columns become the texts that they would be in a text file."""

import datetime
import decimal
import doctest

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from goldfold.tables import dialect, header, reading, text, text_cells

NAIVE = pd.to_datetime(["2020-01-31 12:00:00", "2020-02-01 00:00:00", None])


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 2], ["1", "2"]),
        ([1.0, None], ["1", ""]),
        ([1.0, 0.1, 1e-7, np.inf], ["1.0", "0.1", "1e-7", "inf"]),
        (np.array([0.1, 2.5], "float32"), ["0.1", "2.5"]),
        ([2.0**60, 1.0], ["1.152921504606847e+18", "1.0"]),
        ([True, None, False], ["True", "", "False"]),
        (["007", None, " NA "], ["007", "", " NA "]),
        (pd.Categorical(["b", None, "a"]), ["b", "", "a"]),
        (pd.Categorical([1, 2]), ["1", "2"]),
        (pd.array([2**62 + 1, None], dtype="Int64"), [str(2**62 + 1), ""]),
        ([datetime.date(2020, 1, 31), None], ["2020-01-31", ""]),
        (NAIVE, ["2020-01-31T12:00:00", "2020-02-01T00:00:00", ""]),
        (NAIVE.normalize(), ["2020-01-31", "2020-02-01", ""]),
        (NAIVE.tz_localize("UTC"), ["2020-01-31T12:00:00+00:00", "2020-02-01T00:00:00+00:00", ""]),
        (pd.to_datetime(["2020-07-01"]).tz_localize("America/St_Johns"), ["2020-07-01T00:00:00-02:30"]),
        (pd.to_datetime(["2020-01-01 00:00:00.5"]), ["2020-01-01T00:00:00.500"]),
        ([datetime.time(8, 15), None], ["08:15:00", ""]),
        (pd.to_timedelta(["1 days 02:03:04", None]), ["1 days 02:03:04", ""]),
        ([decimal.Decimal("1.50"), decimal.Decimal("0.00000001")], ["1.50000000", "0.00000001"]),
        ([b"ab", None], ["ab", ""]),
        ([None, None], ["", ""]),
        ([["a", "é"], [], None], ['["a","é"]', "[]", ""]),
        ([[1, 2], [3]], ["[1,2]", "[3]"]),
        ([[datetime.date(2020, 1, 1)], None], ['["2020-01-01"]', ""]),
        ([1, "a", None], ["1", "a", ""]),
        (pd.period_range("2020", periods=2, freq="Y"), ["2020", "2021"]),
    ],
)
def test_each_type_has_its_text(values, texts):
    cells, left_out = text_cells(pd.DataFrame({"a": values}))
    assert cells["a"].tolist() == texts and cells["a"].dtype == "str" and not left_out


def test_what_pandas_reads_back_is_the_same_duration():
    spans = pd.to_timedelta(["-1 days +03:00:00", "0 days", "3 days 00:00:00.5"])
    assert pd.to_timedelta(text_cells(pd.DataFrame({"a": spans}))[0]["a"]).tolist() == spans.tolist()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([{"a": 1}, None], "a struct, not a value"),
        ([[[1]], [[2]]], "lists of lists or structs, not a value"),
        ([b"\xff\xfe", b""], "bytes, not a text in UTF-8"),
        (pd.array([[("a", 1)]], dtype=pd.ArrowDtype(pa.map_(pa.string(), pa.int64()))), "a map, not a value"),
    ],
)
def test_what_is_no_cell_is_left_out_with_the_reason(values, reason):
    cells, left_out = text_cells(pd.DataFrame({"a": values, "b": 1}))
    assert list(cells) == ["b"] and left_out == {"a": reason}


def test_a_named_index_is_a_column_and_another_is_not():
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 9])
    assert list(text_cells(frame)[0]) == ["a"]
    assert text_cells(frame.rename_axis("id"))[0].to_dict("list") == {"id": ["7", "9"], "a": ["1", "2"]}


def test_names_are_unique_texts():
    frame = pd.DataFrame([[1, 2, 3]], columns=[0, "a", "a"])
    assert list(text_cells(frame)[0].columns) == ["0", "a", "a.1"]
    assert list(text_cells(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])))[0]) == ["a.b"]


def test_a_table_without_rows_or_columns_is_one():
    assert text_cells(pd.DataFrame())[0].shape == (0, 0)
    assert text_cells(pd.DataFrame({"a": []}))[0].dtypes.tolist() == ["str"]


@pytest.mark.parametrize("module", [text, dialect, header, reading])
def test_the_examples_of_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0
