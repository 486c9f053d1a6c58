"""Names of data sets on Kaggle."""

import re

import pytest

from goldfold.bundle.names import data_set_name
from goldfold.bundle.notebooks import notebook


@pytest.mark.parametrize("name", ["", "a", "日本語", "Ünïcode (2)", "x" * 300, "--__--", "../../etc", "a/b c", "TEST", "12345\n"])
def test_any_name_becomes_one_that_kaggle_takes(name):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", data_set_name(name)) and 6 <= len(data_set_name(name)) <= 50


def test_plain_names_stay_readable_and_others_stay_apart():
    assert data_set_name("test_resnet-b9dc4a") == "test-resnet-b9dc4a"
    names = ["naïve model", "naive model", "naive model!", "日本語の名前", "日本語", "x" * 60, "x" * 61, "a", "b"]
    assert len({data_set_name(name) for name in names}) == len(names)


def test_a_bundle_s_notebook_looks_where_kaggle_mounts_a_data_set_of_that_name(tmp_path):
    code = notebook("mine", "titanic", "Mine", tmp_path)["cells"][1]["source"]
    assert f"/kaggle/input/{data_set_name('Mine')}" in code
