"""One reading for each column, worked out from the cells of all tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from goldfold.errors import InputError
from goldfold.schema import Schema, as_numbers, work_out_schema
from goldfold.schema.months import MONTHS, bare
from goldfold.tables import TextTable


def table(name: str, **columns: list[str]) -> TextTable:
    cells = pd.DataFrame(columns, dtype="str")
    return TextTable(Path(name), cells, np.arange(len(cells)) + 2, (), {})


def read(train: list[str], test: list[str] | None = None, kind: str | None = None, name: str = "x"):
    """Return the column, and the values of all cells."""
    tables = [table("train.csv", **{name: train}), *([table("test.csv", **{name: test})] if test else [])]
    schema = work_out_schema(tables, {name: kind} if kind else {})
    again = Schema.from_json(schema.to_json())
    assert again == schema
    return schema.columns[0], again.read(pd.DataFrame({name: [*train, *(test or [])]}, dtype="str"))[name]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2.5", "1e3", " 7 ", "-0"], [1, 2.5, 1000, 7, 0]),
        (["1,234", "12", "999"], [1234, 12, 999]),
        (["1,234", "1500"], [1.234, 1500]),
        (["50,25", "3,5"], [50.25, 3.5]),
        (["1.234,50", "7"], [1234.5, 7]),
        (["1 234,5", "1 234,5", "7"], [1234.5, 1234.5, 7]),
        (["1'234.5", "2"], [1234.5, 2]),
        (["800", "1.137", "1.474", "12.811"], [800, 1137, 1474, 12811]),
        (["0.137", "1.474", "12.811", "3.000"], [0.137, 1.474, 12.811, 3]),
        (["1,00,000", "5"], [100000, 5]),
        (["$1,200", "-$3", "($5)"], [1200, -3, -5]),
        (["5 km", "7.5km"], [5, 7.5]),
        (["12%", "3 %"], [12, 3]),
        (["1", "", "NA", "?", "3"], [1, np.nan, np.nan, np.nan, 3]),
        (["007", "8"], [7, 8]),
        (["€1.5M", "€600K", "€0"], [1.5e6, 6e5, 0]),
        (["5 h", "2.5 h"], [5, 2.5]),
        (["12 kg", "7.5kg", "3 KG"], [12, 7.5, 3]),
        (["١٢٣", "٧٫٥", "９", "−1.5", "–2"], [123, 7.5, 9, -1.5, -2]),
        (["2,5e-03", "-1,25E+2", "7,0e0"], [0.0025, -125, 7]),
        (["0x1F", "0xa0"], [31, 160]),
        (["3 1/2", "1/4", "2", "1½"], [3.5, 0.25, 2, 1.5]),
        (["3/4", "1/2"], [0.75, 0.5]),
    ],
)
def test_a_number_is_read_as_its_column_writes_it(cells, values):
    column, numbers = read(cells)
    assert column.kind == "number"
    np.testing.assert_array_equal(numbers.to_numpy(), values)


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "B2"],
        ["1st", "2nd"],
        ["10.0.0.1", "10.0.0.2"],
        ["1.2.3", "2.0.1"],
        ["5 km", "3 mi"],
        ["C85", "C123"],
        ["7.jpg", "8.jpg"],
        ["120/80", "140/90"],
        ["5/2", "7/4"],
        ["1/31", "2/28"],
        [">50K", "<=50K"],
        ["1-", "2", "2-", "3"],
        ["10-19", "20-29"],
    ],
)
def test_what_is_no_number_is_a_category(cells):
    assert read(cells)[0].kind == "category"


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["1/05/2019", "31/5/2019"], ["2019-05-01", "2019-05-31"]),
        (["1/05/2019", "1/31/2019"], ["2019-01-05", "2019-01-31"]),
        (["2019.01.05", "2019.12.30"], ["2019-01-05", "2019-12-30"]),
        (["05-Jan-2019", "6-Feb-2019"], ["2019-01-05", "2019-02-06"]),
        (["Jan 5, 2019", "June 6th, 2019", "Sept. 7, 2019"], ["2019-01-05", "2019-06-06", "2019-09-07"]),
        (["Sat, 05 Jan 2019 10:11:12 +0000"], ["2019-01-05T10:11:12"]),
        (["1/13/19 3:04 PM", "12/1/18 12:00 AM"], ["2019-01-13T15:04", "2018-12-01"]),
        (["2019-01-05T01:00:00+02:00", "2019-07-05T01:00:00+01:00"], ["2019-01-04T23:00", "2019-07-05T00:00"]),
        (["2019-01-05T01:00:00+02:00", "2019-07-05 01:00:00"], ["2019-01-04T23:00", "2019-07-05T01:00"]),
        (["13/1/19 3:04 p.m.", "1/12/18"], ["2019-01-13T15:04", "2018-12-01"]),
        (["2012-06-18 20:00:00 UTC"], ["2012-06-18T20:00"]),
        (["2019年1月5日", "2019年12月25日"], ["2019-01-05", "2019-12-25"]),
        (["2019-01", "2019-02"], ["2019-01-01", "2019-02-01"]),
        (["May 2019", "Jun 2019"], ["2019-05-01", "2019-06-01"]),
        (["Dec-15", "Aug-99"], ["2015-12-01", "1999-08-01"]),
        (["2019Q3", "2020-Q1", "Q2 2020"], ["2019-07-01", "2020-01-01", "2020-04-01"]),
        (["2019H1", "2020-S2"], ["2019-01-01", "2020-07-01"]),
        (["2020-W05", "2020W06", "W7 2020", "2020-W53-7"], ["2020-01-27", "2020-02-03", "2020-02-10", "2021-01-03"]),
        (
            ["2020-01-01 10:00 CET", "2020-07-01 10:00 EDT", "2020-07-01 10:00"],
            ["2020-01-01T09:00", "2020-07-01T14:00", "2020-07-01T10:00"],
        ),
        (["2020-07-01 10:00:00 Europe/Berlin", "2020-07-01 10:00:00 America/New_York"], ["2020-07-01T08:00", "2020-07-01T14:00"]),
        (["2020-10-25 02:30 Europe/Berlin", "2020-03-29 02:30 Europe/Berlin"], ["2020-10-25T01:30", "2020-03-29T01:00"]),
        (["Fri Feb 20 06:35:19 PDT 2009"], ["2009-02-20T13:35:19"]),
        (["Fri, 20 Feb 2009 06:35:19 -0800 (PST)"], ["2009-02-20T14:35:19"]),
        (["Fri Feb 20 2009 06:35:19 GMT-0800 (PST)"], ["2009-02-20T14:35:19"]),
        (["20190105T101112Z", "20190106T1011"], ["2019-01-05T10:11:12", "2019-01-06T10:11"]),
    ],
)
def test_a_date_is_read_in_one_format_as_utc(cells, days):
    column, moments = read(cells if None not in days else [*cells] + [cells[0]] * 20)
    assert column.kind == "date"
    assert [str(moment) for moment in moments[: len(days)]] == [
        str(pd.Timestamp(day, tz="UTC")) if day else "NaT" for day in days
    ]


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["3. März 2024", "12. Dezember 2023"], ["2024-03-03", "2023-12-12"]),
        (["12 mars 2024", "1er févr. 2024", "2 aout 2024"], ["2024-03-12", "2024-02-01", "2024-08-02"]),
        (["12 de marzo de 2024", "3 de enero de 2023"], ["2024-03-12", "2023-01-03"]),
        (["lunedì 12 marzo 2024", "martedì 2 gennaio 2024"], ["2024-03-12", "2024-01-02"]),
        (["12 мая 2024 г.", "3 июля 2023 г."], ["2024-05-12", "2023-07-03"]),
        (["2024年3月12日", "2023年12月1日"], ["2024-03-12", "2023-12-01"]),
        (["5 Ağustos 2019", "1 ARALIK 2020"], ["2019-08-05", "2020-12-01"]),
    ],
)
def test_months_have_names_in_many_languages(cells, days):
    column, moments = read(cells)
    assert column.kind == "date" and moments.dt.strftime("%Y-%m-%d").tolist() == days


def test_a_column_of_dates_may_be_written_in_several_formats():
    column, moments = read(["31.01.2020", "01.02.2020"], ["2020-01-31", "March 3, 2020"])
    assert column.kind == "date" and "ISO8601" in column.why and "%d.%m.%Y" in column.why
    assert moments.dt.strftime("%m-%d").tolist() == ["01-31", "02-01", "01-31", "03-03"]
    # One order of day and month, or none.
    assert read(["31/01/2020", "02/01/2020", "01/31/2020", "12/30/2020"])[0].kind == "category"
    assert read(["31/01/2020", "30.12.2020", "2020-05-06", "01.02.2020"])[1].dt.month.tolist() == [1, 12, 5, 2]


def test_no_name_of_a_month_is_anothers():
    names = [(bare(name), number) for line in MONTHS.split("\n") for number, name in enumerate(line.split()) if name != "-"]
    assert len(dict(names)) == len(set(names))


def test_day_and_month_are_told_apart_by_the_cells_of_all_tables():
    ambiguous = [f"{day}/{month}/2019" for day in range(1, 13) for month in range(1, 13)]
    column, moments = read(ambiguous, ["25/3/2019"])
    assert column.format == {"format": "%d/%m/%Y"} and moments.iloc[1] == pd.Timestamp("2019-02-01", tz="UTC")
    column, _ = read(ambiguous, ["3/25/2019"])
    assert column.format == {"format": "%m/%d/%Y"}


def test_where_no_cell_decides_the_order_is_the_one_with_dates_closest_together_and_the_other_is_named():
    column, _ = read([f"{day}/3/2019" for day in range(1, 11)])
    assert column.format == {"format": "%d/%m/%Y"} and "%m/%d/%Y would read them too" in column.why


@pytest.mark.parametrize("cells", [["5258-01", "8712-04"], ["3.4.05", "1.2.10"], ["1-1-10", "1-12-3"]])
def test_codes_that_could_be_dates_are_none(cells):
    assert read(cells)[0].kind == "category"


def test_years_of_two_digits_are_those_up_to_2029():
    years = read(["03.12.58", "31.01.99", "28.02.29", "29.02.32"])[1].dt.year
    assert years.tolist() == [1958, 1999, 2029, 1932]


def test_a_number_far_from_the_others_that_repeats_is_told_and_not_assumed():
    ages = [str(age) for age in range(18, 60)]
    column, numbers = read([*ages, *["-999"] * 3])
    assert column.doubt == "-999 in 3 cells may mean a missing value: competition.missing: ['-999']" and numbers.min() == -999
    assert read([*ages, "-999"])[0].doubt == "" and read(["0", "1", "-1"] * 9)[0].doubt == ""


def test_eight_digits_are_a_date_where_the_name_says_so():
    assert read(["20190131", "20200229"], name="sale_date")[0].kind == "date"
    assert read(["20190131", "20200229"], name="mileage")[0].kind == "number"


def test_ten_or_thirteen_digits_are_a_moment_since_1970_where_the_name_says_so():
    for cells in (["1577844180", "1528695660"], ["1577844180000", "1528695660000"]):
        column, moments = read(cells, name="timestamp")
        assert column.kind == "date" and moments.dt.year.tolist() == [2020, 2018] and "since 1970" in column.why
        assert read(cells, name="balance")[0].kind == "number"


def test_zones_are_told_with_what_they_are_taken_for():
    assert "CST (UTC-6), Asia/Tokyo" in read(["2020-01-01 10:00 CST", "2020-01-02 10:00 Asia/Tokyo"])[0].why


@pytest.mark.parametrize("none", ["9999-12-31", "0001-01-01"])
def test_dates_at_the_ends_of_the_calendar_are_missing(none):
    column, moments = read([f"2019-{month:02d}-05" for month in range(1, 13)] + [none])
    assert column.missing == (none,) and moments.isna().sum() == 1 and not column.odd_cells


def test_a_date_far_from_the_others_that_repeats_is_told_and_not_assumed():
    column, moments = read([f"2019-{month:02d}-05" for month in range(1, 13)] + ["2999-12-31"] * 3)
    assert "competition.missing: ['2999-12-31']" in column.doubt and moments.dt.year.max() == 2999
    assert not read([f"{year}-01-05" for year in range(1990, 2020)] * 3)[0].doubt


def test_months_with_two_digits_may_be_dates_and_are_told():
    column, _ = read(["Jan-20", "Feb-21"])
    assert column.kind == "category" and "prepare.columns: {x: date}" in column.doubt
    assert read(["Jan-20", "Feb-21"], kind="date")[1].dt.year.tolist() == [2020, 2021]


def test_limits_are_read_as_the_number_and_a_minus_may_stand_behind():
    cells = [f"{row}.5" for row in range(40)]
    column, numbers = read([*cells, "<0.1", ">= 90", "99+"])
    assert numbers.tolist()[-3:] == [0.1, 90, 99] and "limits (+ < >) as the number itself" in column.why
    column, numbers = read([*cells, "12.5-"])
    assert numbers.iloc[-1] == -12.5 and "negative with - behind" in column.why
    column, numbers = read([*cells, "89 or older", "over 90", "less than 5", "3 or fewer", "100 plus"])
    assert numbers.tolist()[-5:] == [89, 90, 5, 3, 100] and not column.missing
    column, _ = read([*cells, *["1x2y3"] * 9])
    assert column.kind == "category" and "1x2y3" in column.doubt
    # The marks are those of the column.
    assert read([*cells, "12.5-"])[0].read(pd.Series(["<3", "3+"])).isna().all()


def test_pairs_are_no_numbers_unless_params_say_so():
    assert read(["5/2", "7/4"], kind="number")[1].tolist() == [2.5, 1.75]
    assert "several numbers each" in read([f"{row}-{row * 3}" for row in range(40)])[0].doubt


def test_a_time_of_day_has_no_date():
    column, times = read(["08:15", "8:15:30", "11:45 PM"])
    assert column.kind == "time" and times.dt.total_seconds().tolist() == [29700, 29730, 85500]


def test_hours_alone_are_times_of_day_by_their_half():
    column, times = read(["1PM", "12 am", "11:30 a.m."])
    assert column.kind == "time" and (times.dt.total_seconds() / 3600).tolist() == [13, 0, 11.5]
    assert read(["1", "12"])[0].kind == "number"


def test_days_of_the_year_are_dates_where_the_name_says_so():
    assert read(["2020-001", "2020-366"], name="date")[1].dt.month.tolist() == [1, 12]
    column, _ = read(["2020-001", "2020-366"], name="order")
    assert column.kind == "category" and "prepare.columns: {order: date}" in column.doubt


def test_years_of_another_calendar_are_told():
    assert "another calendar's" in read(["31/01/2563", "01/02/2564"])[0].doubt


def test_a_duration_may_be_longer_than_a_day():
    column, durations = read(["36:10", "1:00", "02:30"])
    assert column.kind == "duration" and durations.dt.total_seconds().tolist() == [130200, 3600, 9000]
    assert read(["2 days 03:00:00", "1 day"])[1].dt.total_seconds().tolist() == [183600, 86400]


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["2h", "1h30m", "45m"], [7200, 5400, 2700]),
        (["1h30", "2h05"], [5400, 7500]),
        (["90 min", "2 hrs"], [5400, 7200]),
        (["1 Std. 30 Min.", "2 Stunden"], [5400, 7200]),
        (["PT2H", "pt45m", "P1DT1H"], [7200, 2700, 90000]),
    ],
)
def test_a_duration_is_read_in_its_units(cells, seconds):
    column, durations = read(cells)
    assert column.kind == "duration" and durations.dt.total_seconds().tolist() == seconds


def test_clocks_beyond_midnight_make_a_column_one_of_durations():
    clocks = [f"{row % 24:02d}:30:00" for row in range(60)]
    column, durations = read([*clocks, "26:10:05"])
    assert column.kind == "duration" and not column.odd_cells and durations.iloc[-1].total_seconds() == 94205


def test_sizes_are_no_durations():
    assert read(["38 S", "40 M", "42 M"])[0].kind == "category"


def test_a_boolean_is_one_pair_of_words_with_gaps():
    column, values = read(["True", "FALSE", "", "true", "NA"])
    assert column.kind == "boolean" and values.tolist() == [True, False, pd.NA, True, pd.NA]
    assert read(["t", "n", "y"])[0].kind == "category"
    assert read(["t", "f"], ["u"])[0].kind == "category"


@pytest.mark.parametrize(("train", "test"), [(["TRUE", "FALSE", "1", "0"], []), (["True", "False", ""], ["1.0", "0.0", "1"])])
def test_words_and_numbers_of_one_truth_are_a_boolean(train, test):
    column, values = read(train, test)
    assert column.kind == "boolean" and " and 1" in column.why
    assert values.dropna().tolist() == [cell in ("TRUE", "True", "1", "1.0") for cell in train + test if cell]


def test_texts_are_many_words_or_characters_in_any_script():
    assert read([f"rain and storm {number} again" for number in range(30)])[0].kind == "text"
    assert read([f"今天的天气很好我们去公园{chr(0x4E00 + number)}" for number in range(30)])[0].kind == "text"
    assert read(["Some college or associate degree", "High school"] * 20)[0].kind == "category"
    assert read([f"{number:064x}" for number in range(30)])[0].kind == "category"


def test_a_word_for_missing_is_a_category_of_its_own_among_categories():
    column, values = read(["NA", "EU", "AS", ""])
    assert column.kind == "category" and values.fillna("-").tolist() == ["NA", "EU", "AS", "-"]


def test_a_word_that_stands_again_and_again_among_numbers_is_a_code_for_missing():
    column, values = read([str(number) for number in range(60)] + ["unknown"] * 10)
    assert (column.kind, column.missing) == ("number", ("unknown",)) and values.isna().sum() == 10 and not column.odd_cells


def test_odd_cells_are_listed_with_their_file_and_row():
    column, values = read([*(str(number / 7) for number in range(100)), "oops"], ["abc", "1"])
    assert column.odd == ("train.csv row 102: 'oops'", "test.csv row 2: 'abc'") and column.odd_cells == 2
    assert values.isna().sum() == 2


def test_a_category_of_numbers_is_one_whatever_its_spelling():
    column, values = read(["1", "2", "01"], ["1.0", "", "2"], kind="category")
    assert column.kind == "category" and values.fillna("-").tolist() == ["1", "2", "1", "1", "-", "2"]


def test_codes_too_long_for_a_number_keep_their_digits():
    column, values = read(["9007199254740993", "9007199254740992"])
    assert column.kind == "category" and values.nunique() == 2


def test_a_kind_that_no_cell_is_of_is_refused():
    with pytest.raises(InputError, match="no value of x is a date"):
        read(["red", "blue"], kind="date")


def test_a_value_depends_on_its_cell_alone():
    train = [f"{day}/05/2019" for day in range(1, 32)]
    schema = work_out_schema([table("train.csv", when=train, price=[f"{n},5" for n in range(31)])], {})
    frame = pd.DataFrame({"when": train, "price": [f"{n},5" for n in range(31)]}, dtype="str")
    whole = schema.read(frame)
    for row in (0, 11, 30):
        alone = schema.read(frame.iloc[[row]])
        assert alone.iloc[0].tolist() == whole.iloc[row].tolist()


@pytest.mark.parametrize(
    ("train", "test", "kind", "values"),
    [
        (["0,126", "1,5", "-2,25"], ["0.126", "1.5", "3"], "number", [0.126, 1.5, -2.25, 0.126, 1.5, 3]),
        (["0,126", "0,325"], ["0.126", "1.5"], "number", [0.126, 0.325, 0.126, 1.5]),
        (["5 km", "7.5 km"], ["6", "7"], "number", [5, 7.5, 6, 7]),
        (["yes", "no", ""], ["N", "Y"], "boolean", [1, 0, np.nan, 0, 1]),
    ],
)
def test_tables_that_write_a_column_otherwise_are_each_read_as_they_write(train, test, kind, values):
    column, read_values = read(train, test)
    assert column.kind == kind and "in train.csv; " in column.why
    np.testing.assert_array_equal(as_numbers(read_values), values)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["1,234", "5,678", "900", "12,000"], ["1.234", "5.678", "900", "12.000"]),
        (["31/01/2020", "01/02/2020"], ["01/31/2020", "02/01/2020"]),
        ([str(1577836800 + 86400 * day) for day in range(5)], ["2020-01-01", "2020-02-01"]),
        (["12%", "15.5 %"], ["0.12", "0.15"]),
        (["1.75 m", "1.62 m"], ["175 cm", "162 cm"]),
    ],
)
def test_tables_that_contradict_each_other_are_told(train, test):
    column, values = read(train, test)
    assert column.kind == "category" and values.tolist() == train + test
    assert "in train.csv; " in column.doubt and "test.csv" in column.doubt


def test_cells_of_several_numbers_are_no_texts():
    cells = [f"[{row}.5, {row * 7 % 11}.25, 1.125, 7.5, 3.25, 1.5, 9.5]" for row in range(40)]
    column, _ = read(cells)
    assert column.kind == "category" and "several numbers each" in column.doubt


def test_numbers_among_which_many_cells_are_none_are_told():
    cells = [f"{row}*" if row % 8 == 0 else f"{row}.5" for row in range(60)]
    column, _ = read(cells)
    assert column.kind == "category" and "more than half of its cells are numbers, but '0*', '8*', '16*' are none" in column.doubt


@pytest.mark.parametrize("written", [("{} kg", "{}0 g"), ("{}%", "0.{}"), ("${}", "{} USD")])
def test_numbers_with_several_units_are_told(written):
    cells = [written[row % 2].format(row + 10) for row in range(40)]
    assert "several units" in read(cells)[0].doubt
    # A few of them are categories, and ordinal numbers have no units.
    ordinals = [f"{row}{'th' if row % 2 else 'st'}" for row in range(40)]
    assert not read(["1Story", "2Story", "1.5Fin"])[0].doubt and not read(ordinals)[0].doubt


def test_numbers_with_zeros_in_front_are_told():
    assert "prepare.columns: {zip: category}" in read(["01234", "94110"], name="zip")[0].doubt
    assert not read(["0", "1"])[0].doubt and not read(["007", "12"])[0].doubt


@pytest.mark.parametrize("test", [["red", "BLUE", "ko\u0308ln"], ["RED", "blue", "KÖLN"]])
def test_categories_that_tables_spell_otherwise_are_the_same(test):
    column, values = read(["Red", "Blue", "Köln", "Red"], test)
    assert column.kind == "category" and "in any case" in column.why
    assert values.tolist() == ["red", "blue", "köln", "red", "red", "blue", "köln"]


def test_categories_that_one_table_spells_in_two_ways_are_told():
    column, values = read(["Red", "red", "Blue"], ["red"])
    assert values.tolist() == ["Red", "red", "Blue", "red"] and "'Red' and 'red' differ by their case" in column.doubt


def test_tables_without_a_category_in_common_are_told():
    column, _ = read(["male", "female"] * 4, ["M", "F"] * 4)
    assert "no category in common (female, male in train.csv; F, M in test.csv)" in column.doubt
    assert not read(["a", "b"] * 4, ["a", "c"] * 4)[0].doubt and not read(["A1", "B2", "C3"], ["D4", "E5", "F6"])[0].doubt


def test_moments_of_zones_that_are_not_known_are_no_dates_together():
    assert read(["2020-01-01 10:00 XST", "2020-06-01 10:00 XDT"])[0].kind != "date"
    assert read(["2020-01-01 10:00 XST", "2020-06-01 10:00 XST"])[0].kind == "date"
