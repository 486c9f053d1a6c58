"""Columns of known kinds read back as they were made, in every dialect, spelling and file type."""

import json
import locale
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldfold.competition import read_competition
from goldfold.config import CompetitionConfig
from goldfold.modalities.table import outside
from goldfold.modalities.table.columns import work_out_features
from goldfold.modalities.table.encoding import encode, fit_encoding
from goldfold.schema import work_out_schema
from goldfold.tables import TextTable, read_text_table

TRAIN, TEST = 40, 12
ROWS = TRAIN + TEST
WORDS = ["rain", "sun", "storm", "market", "goal", "win", "loss", "vote", "bank", "city", "film", "star"]
SPELLINGS = {
    "number": {
        "1.5": "{:.2f}",
        "1,5": "{:.2f}",
        "$1.5": "${:.2f}",
        "1.5 km": "{:.2f} km",
        "1,234.5": "{:,.2f}",
        "1.5-": "{:.2f}",
    },
    "whole": {"7": "{:d}", "7.0": "{:d}.0", "1,234": "{:,d}", "0x7": "{:#x}"},
    "boolean": {"True": ("False", "True"), "yes": ("no", "yes"), "F": ("F", "T")},
    "date": {
        "2019-12-31": "%Y-%m-%d",
        "31/12/2019": "%d/%m/%Y",
        "12/31/2019": "%m/%d/%Y",
        "31.12.19": "%d.%m.%y",
        "2019-12-31T10:20:30": "%Y-%m-%dT%H:%M:%S",
        "31 Dec 2019": "%d %b %Y",
        "20191231": "%Y%m%d",
        "2019-W52-2": "%G-W%V-%u",
        "2019-12-31 10:20 UTC": "%Y-%m-%d 10:20 UTC",
        "2019-365": "%Y-%j",
    },
    "time": {"08:15": "%H:%M", "08:15:00": "%H:%M:%S", "08:15 PM": "%I:%M %p"},
}
SAME_KIND = {"whole": "number"}
DIALECTS = [",", ";", "\t", "|", "utf-16", "utf-8-sig", "quoted", "json", "jsonl", "parquet"]


@st.composite
def competitions(draw):
    """The values of each column by kind, how each kind is spelt, and the dialect of the files."""
    seed = draw(st.integers(0, 10_000))
    g = np.random.default_rng(seed)
    spelled = {kind: draw(st.sampled_from(list(ways))) for kind, ways in SPELLINGS.items()}
    values = {
        "number": np.round(g.uniform(-4000, 90000, ROWS), 2),
        "whole": g.permutation(np.arange(ROWS) * 77 - 300),
        "category": g.choice(["red", "Green", "NA", "blå"], ROWS),
        "boolean": np.resize([True, False, False], ROWS),
        "date": [date(2015, 1, 1) + timedelta(days=int(day)) for day in g.permutation(ROWS * 9)[:ROWS]],
        "time": [timedelta(minutes=int(minute)) for minute in g.integers(0, 24 * 60, ROWS)],
        "text": [" ".join(g.choice(WORDS, 9)) + f", no {row}" for row in range(ROWS)],
    }
    gaps = {kind: set(g.choice(ROWS, 5, replace=False).tolist()) if draw(st.booleans()) else set() for kind in values}
    return values, spelled, gaps, draw(st.sampled_from(DIALECTS)), draw(st.sampled_from(["r{}", "{:04d}", "{}"]))


def cells_of(values, spelled, gaps):
    """The texts of a table's cells."""
    ways = {kind: SPELLINGS[kind][way] for kind, way in spelled.items()}
    texts = {
        "number": [ways["number"].format(value) for value in values["number"]],
        "whole": [ways["whole"].format(int(value)) for value in values["whole"]],
        "category": list(values["category"]),
        "boolean": [ways["boolean"][int(value)] for value in values["boolean"]],
        "date": [value.strftime(ways["date"]) for value in values["date"]],
        "time": [(datetime(2000, 1, 1) + value).strftime(ways["time"]) for value in values["time"]],
        "text": list(values["text"]),
    }
    if spelled["number"] == "1,5":
        texts["number"] = [text.replace(".", ",") for text in texts["number"]]
    if spelled["number"] == "1.5-":
        texts["number"] = [f"{text[1:]}-" if text.startswith("-") else text for text in texts["number"]]
    return {kind: ["" if row in gaps[kind] else text for row, text in enumerate(column)] for kind, column in texts.items()}


def write(path, table, dialect):
    """Write a table of texts in a dialect; returns the file's path."""
    if dialect in ("json", "jsonl"):
        records = table.to_dict("records")
        text = json.dumps(records) if dialect == "json" else "\n".join(map(json.dumps, records))
        path.with_suffix(f".{dialect}").write_text(text)
    elif dialect == "parquet":
        table.to_parquet(path.with_suffix(".parquet"))
    else:
        encoding = dialect if dialect.startswith("utf") else "utf-8"
        separator = dialect if len(dialect) == 1 else ","
        table.to_csv(path.with_suffix(".csv"), index=False, sep=separator, encoding=encoding, quoting=int(dialect == "quoted"))
    return next(path.parent.glob(f"{path.name}.*"))


def ours(column):
    """A column's values as plain ones."""
    if str(column.dtype).startswith("datetime"):
        return [None if pd.isna(value) else value.date() for value in column]
    if column.dtype.kind == "m":
        return [None if pd.isna(value) else value.to_pytimedelta() for value in column]
    return [None if pd.isna(value) else value for value in column.tolist()]


@settings(derandomize=True, max_examples=14, deadline=None, database=None)
@given(made=competitions())
def test_values_kinds_labels_and_ids_read_back_and_test_rows_alone_give_the_same_numbers(tmp_path_factory, made):
    values, spelled, gaps, dialect, id_form = made
    root = tmp_path_factory.mktemp("made")
    labels = [["low", "mid", "high"][row % 3] for row in range(ROWS)]
    table = pd.DataFrame(
        {"id": [id_form.format(row * 3) for row in range(ROWS)], **cells_of(values, spelled, gaps), "label": labels}
    )
    write(root / "train", table[:TRAIN], dialect)
    test_path = write(root / "test", table[TRAIN:].drop(columns="label"), dialect)
    table[TRAIN:][["id"]].assign(label="mid")[::-1].to_csv(root / "sample_submission.csv", index=False)
    competition = read_competition(CompetitionConfig(path=str(root), modality="table"))
    read = pd.concat([competition.train, competition.test[::-1]], ignore_index=True)

    assert competition.problem.classes == ("high", "low", "mid") and competition.train["label"].tolist() == labels[:TRAIN]
    assert read["id"].tolist() == table["id"].tolist()
    for kind, column in values.items():
        assert competition.schema.column(kind).kind == SAME_KIND.get(kind, kind), (kind, competition.schema.column(kind))
        assert ours(read[kind]) == [None if row in gaps[kind] else value for row, value in enumerate(column)], kind

    columns = [feature.column for feature in work_out_features(competition, {}) if feature.kind != "drop"]
    truth = competition.problem.truth(competition.train)
    encoding = fit_encoding(competition.train, columns, truth, competition.problem, "standard", 1, None)
    inside = encode(competition.test, columns, encoding)
    rows = outside.read_files([test_path])
    for chosen in (rows, rows[3:4]):
        view = outside.outside_view(chosen, encoding, None, {})
        order = [competition.test["id"].tolist().index(i) for i in chosen["id"]]
        for alone, together in zip((view.numbers, view.categories), inside, strict=True):
            np.testing.assert_array_equal(np.asarray(alone), together[order])


@settings(derandomize=True, max_examples=6, deadline=None, database=None)
@given(made=competitions())
def test_a_value_depends_on_its_cell_alone(made, tmp_path_factory):
    values, spelled, gaps, _, _ = made
    path = tmp_path_factory.mktemp("made") / "t.csv"
    pd.DataFrame(cells_of(values, spelled, gaps)).to_csv(path, index=False)
    read_table = read_text_table(path)
    schema = work_out_schema([read_table], {})
    whole = schema.read(read_table.cells)
    for rows in (slice(0, 1), slice(5, 9), slice(None, None, -1)):
        # Whole numbers are int64 in rows without a gap: the same values.
        pd.testing.assert_frame_equal(schema.read(read_table.cells[rows]), whole[rows], check_dtype=False)
    again = type(schema).from_json(json.loads(json.dumps(schema.to_json())))
    pd.testing.assert_frame_equal(again.read(read_table.cells), whole)


@pytest.mark.parametrize("name", ["de_DE.UTF-8", "tr_TR.UTF-8", "C"])
def test_neither_the_locale_nor_the_day_changes_a_value(name, monkeypatch):
    cells = pd.DataFrame(
        {"price": ["1,5", "2,25", "1.234,5"] * 9, "at": ["08:15", "23:59", "00:00"] * 9, "on": ["3 Mar 2019"] * 27}
    )
    schema = work_out_schema([TextTable(Path("t.csv"), cells, np.arange(27) + 2, (), {})], {})
    before = schema.read(cells)
    old = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        pytest.skip(f"this machine has no locale {name}")
    try:
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
        pd.testing.assert_frame_equal(schema.read(cells), before)
    finally:
        locale.setlocale(locale.LC_ALL, old)
