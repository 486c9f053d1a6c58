"""Delimited text of any dialect becomes the texts of its cells, or one message with the row."""

import gzip
from pathlib import Path

import pytest

from goldfold.errors import InputError, QuestionError
from goldfold.tables import header_guess, header_of, read_text_table
from goldfold.tables.delimited import SAMPLE
from goldfold.tables.encoding import as_utf8


@pytest.fixture
def read(tmp_path):
    def written(content, name="t.csv", header=None, encoding=None):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_text_table(path, header, encoding)

    return written


def cells(table):
    return [list(table.cells.columns), *table.cells.to_numpy().tolist()]


def test_cells_stay_as_they_are_written(read):
    table = read("id,a,b\n007, x ,NA\n1e3,None,\n")
    assert cells(table) == [["id", "a", "b"], ["007", " x ", "NA"], ["1e3", "None", ""]]
    assert table.remarks == () and table.left_out == {} and list(table.rows) == [2, 3]
    assert set(map(str, table.cells.dtypes)) == {"str"}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_and_the_ends_of_lines_are_worked_out(read, separator, end):
    lines = ["id{s}size{s}text", '1{s}2.5{s}"a{s}b"', "2{s}3.5{s}c", ""]
    assert cells(read(end.join(lines).replace("{s}", separator))) == [
        ["id", "size", "text"],
        ["1", "2.5", f"a{separator}b"],
        ["2", "3.5", "c"],
    ]


def test_decimal_commas_do_not_separate(read):
    assert cells(read("id;price\n1;50,25\n2;40,5\n")) == [["id", "price"], ["1", "50,25"], ["2", "40,5"]]
    assert cells(read("1,5;2,5;3,0\n1,7;2,9;4,0\n"))[0] == ["column1", "column2", "column3"]


def test_a_column_of_spaces_separated_words_is_one_column(read):
    assert cells(read("full name\nAda Lovelace\nAlan Turing\n")) == [["full name"], ["Ada Lovelace"], ["Alan Turing"]]


def test_numbers_aligned_by_spaces_are_columns(read):
    assert cells(read("  id   x    y\n   1  0.5  2,5\n  20 10.5 3,0\n")) == [
        ["id", "x", "y"],
        ["1", "0.5", "2,5"],
        ["20", "10.5", "3,0"],
    ]


def test_single_quotes_and_escaped_quotes_are_seen(read):
    assert cells(read("id,text\n1,'a, b'\n2,'c'\n3,'d, e'\n"))[1:] == [["1", "a, b"], ["2", "c"], ["3", "d, e"]]
    assert cells(read('id,text\n1,"say \\"hi\\", you"\n2,"b"\n'))[1:] == [["1", 'say "hi", you'], ["2", "b"]]
    assert cells(read('id,text\n1,"say \\"hi\\" now"\n2,"b"\n'))[1] == ["1", 'say "hi" now']
    assert cells(read('id,text,n\n1, "a, b", 3\n2, "c", 4\n'))[1:] == [["1", "a, b", " 3"], ["2", "c", " 4"]]
    assert cells(read("id,text\n1,it's\n2,b\n"))[1] == ["1", "it's"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_in_any_of_its_encodings(read, encoding):
    table = read("id,städte\n1,Köln\n2,東京\n3,plain\n".encode(encoding))
    assert cells(table) == [["id", "städte"], ["1", "Köln"], ["2", "東京"], ["3", "plain"]] and not table.remarks


def test_windows_1252_is_read_and_said_with_its_first_row(read):
    table = read("id,city\n1,Bonn\n2,Köln – Süd\n".encode("cp1252"))
    assert table.cells["city"].tolist() == ["Bonn", "Köln – Süd"]
    (remark,) = table.remarks
    assert remark.startswith("row 3 is not written in UTF-8; its letters were read as Windows-1252, 3 in the file")


ALPHABETS = {
    "cp1251": "Москва и область",
    "gb18030": "北京市上海市",
    "shift-jis": "東京都大阪府",
    "euc-kr": "서울 부산 대구",
    "iso-8859-2": "Łódź, Kraków, Częstochowa",
    "cp1250": "Łódź, Kraków, Częstochowa",
    "cp1254": "İstanbul, Eskişehir, Ağrı",
    "mac-roman": "São Paulo, Malmö",
}


@pytest.mark.parametrize(
    "text", ["Málaga · 5 €", "Reykjavík, Þórður og Ýmir", "it’s 20°, 3 m² or 1½ “cups” – ok", "¿Qué? ¡Sí!", "5½ £9"]
)
def test_western_signs_are_read_as_windows_1252(read, text):
    assert read(f'id,note\n1,"{text}"\n2,plain\n'.encode("cp1252")).cells["note"][0] == text


@pytest.mark.parametrize("encoding", ALPHABETS)
def test_another_alphabet_that_is_not_utf8_is_a_question(read, encoding):
    text = f'"{ALPHABETS[encoding]}"'
    data = f"id,city\n1,{text}\n2,{text}\n".encode(encoding)
    with pytest.raises(QuestionError, match=r"(?s)its encoding is not clear.*row 2") as question:
        read(data)
    assert any(data.decode(reply.value) == data.decode(encoding) for reply in question.value.replies)
    assert read(data, encoding=encoding).cells["city"][0] == ALPHABETS[encoding]


def test_a_question_about_an_encoding_shows_the_letters(read):
    plain = "a plain text of many words that comes first"
    with pytest.raises(QuestionError, match=r"encoding: cp1251   # row 3 reads '.*Москва, Россия'"):
        read(f"id,note,city\n1,{plain},x\n2,{plain},Москва, Россия\n3,{plain},Тула\n".encode("cp1251"))


def test_a_stated_encoding_is_for_what_is_no_utf8():
    assert as_utf8(Path("t.csv"), "ä".encode(), "cp1251") == ("ä".encode(), [])
    with pytest.raises(InputError, match=r"t.csv is not written in gb18030: row 2"):
        as_utf8(Path("t.csv"), b"a\n\xff\n", "gb18030")


def test_nul_bytes_are_an_error_with_their_row(read):
    with pytest.raises(InputError, match="NUL bytes, the first in row 3"):
        read(b"id,a\n1,2\n2,\0\n3,4\n")


def test_blank_lines_are_no_rows_and_count_as_lines(read):
    table = read('id,a\n\n1,"x\n\ny"\n   \n2,z\n')
    assert cells(table)[1:] == [["1", "x\n\ny"], ["2", "z"]]
    assert list(table.rows) == [3, 7]


def test_trailing_commas_are_left_out(read):
    assert cells(read("id,a\n1,2,\n3,4,\n")) == [["id", "a"], ["1", "2"], ["3", "4"]]
    table = read("id,a,\n1,2,\n3,4,\n")
    assert cells(table) == [["id", "a"], ["1", "2"], ["3", "4"]] and "no values" in table.remarks[0]
    table = read("id,a\n1,2\n3,4,,\n5,6\n")
    assert cells(table) == [["id", "a"], ["1", "2"], ["3", "4"], ["5", "6"]]
    assert table.remarks == ("row 3 is longer than the others by empty cells, which were left out",)


def test_a_row_of_too_many_cells_is_an_error_with_its_row(read):
    with pytest.raises(InputError, match="row 4 has 4 cells, not 3"):
        read("id,a,b\n1,2,3\n\n4,5,6,7\n8,9,10\n")


def test_a_few_short_rows_are_completed(read):
    table = read("id,a,b\n1,2,3\n4,5\n7,8,9\n")
    assert cells(table)[2] == ["4", "5", ""]
    assert table.remarks == ("row 3 is shorter than the others; the cells that lack were taken as empty",)


@pytest.mark.parametrize(
    "content",
    [
        "id,text,n\n1,a,5\n2,hello\nworld,6\n3,b,7\n",  # a line end without quotes
        "id,a,b\n1,2,3\n4,5,6\n7,8",  # the end of the file is missing
        "id,a,b\n1,2,3\n(1 row affected)\n",
    ],
)
def test_rows_that_are_broken_are_an_error(read, content):
    with pytest.raises(InputError, match=r"row (3|4) has"):
        read(content)


def test_a_stray_quote_that_swallows_rows_is_an_error_where_it_opens(read):
    rows = "".join(f"{number},text {number},{number * 2}\n" for number in range(10, 20))
    with pytest.raises(InputError, match="row 2 opens a cell that holds the next 10 rows"):
        read(f'id,text,n\n1,"abc,2\n{rows}3,"d",4\n5,e,6\n'.replace('3,"d",4', '3,d",4'))
    with pytest.raises(InputError, match="row 2"):
        read(f'id,text,n\n1,"abc,2\n{rows}')


def test_lines_inside_quotes_are_text(read):
    poem = "roses, red\nviolets, blue\nsugar, sweet\nand so, are you"
    table = read(f'id,text\n1,"{poem}"\n2,b\n')
    assert table.cells["text"].tolist() == [poem, "b"] and list(table.rows) == [2, 6]


def test_a_header_in_the_middle_is_left_out(read):
    table = read("id,a\n1,2\nid,a\n3,4\n")
    assert cells(table) == [["id", "a"], ["1", "2"], ["3", "4"]] and list(table.rows) == [2, 4]
    assert table.remarks == ("the header stands again in row 3, and was left out",)


def test_an_index_that_pandas_wrote_is_left_out(read):
    for name in ("", "Unnamed: 0"):
        table = read(f"{name},id,a\n0,x,1\n1,y,2\n")
        assert cells(table) == [["id", "a"], ["x", "1"], ["y", "2"]]
        assert list(table.left_out) == [name or "unnamed column 1"] and table.remarks
    assert cells(read("id,a\n1,x,1\n2,y,2\n"))[0] == ["id", "a"]


def test_another_column_without_a_name_gets_one(read):
    table = read(",a\nx,1\ny,2\n")
    assert cells(table)[0] == ["unnamed1", "a"] and "column 1 has no name" in table.remarks[0]


def test_names_are_stripped_and_unique(read):
    table = read(" id ,a,a,a.1\n1,2,3,4\n")
    assert cells(table)[0] == ["id", "a", "a.2", "a.1"] and len(table.remarks) == 2


TABLE = "id,size,colour\n" + "".join(f"r{n},{n}.5,c{n % 2}\n" for n in range(9))


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("Results of the survey\n", 1),
        ("Results, 2024\n", 1),
        ("Results,,\n", 1),
        ("# a, b, c\n", 1),
        ("// export\nby hand\n\n", 2),
        ('"Title, with a comma"\n\n# more\n', 3),
    ],
)
def test_titles_and_comments_above_the_header_are_left_out(read, above, lines):
    plain, titled = read(TABLE), read(above + TABLE)
    assert titled.cells.equals(plain.cells)
    assert list(titled.rows - plain.rows) == [above.count("\n")] * 9
    assert titled.remarks[0].startswith(f"{lines} line{'s' * (lines > 1)} above its header, left out: ")


def test_two_lines_that_read_as_headers_are_a_question(read):
    numbers = "".join(f"r{n},{n}.5,{n}\n" for n in range(9))
    for first, second in (("id,size,weight", "-,cm,kg"), ("Our survey, of the year, 2024 A", "id,size,weight")):
        with pytest.raises(InputError, match="its lines 1 and 2 both read as a header"):
            read(f"{first}\n{second}\n{numbers}")


def test_a_word_among_numbers_makes_its_row_no_header(read):
    for rows in ("al,unknown\n", "bob,12\nal,unknown\n"):
        table = read("name,age\n" + rows + "".join(f"n{n},{n}\n" for n in range(9)))
        assert list(table.cells) == ["name", "age"] and "unknown" in set(table.cells["age"])


def test_the_line_that_excel_writes_first_is_no_row(read):
    table = read("sep=;\nid;a\n1;x,y\n")
    assert cells(table) == [["id", "a"], ["1", "x,y"]] and list(table.rows) == [3]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("0,1,2,target\n0.5,1.5,2,a\n0.2,3.5,2,b\n", True),
        ("0,1,2\n5,1,2\n3,1,2\n", True),
        ("station,2018,2019,2020\na,5,6,7\nb,4,3,2\n", True),
        ("image,label\na.jpg,cat\nb.jpg,dog\n", True),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n6.2,2.8,virginica\n", False),
        ("6,148,72\n1,85,66\n8,183,64\n", False),
        ("a1.jpg,cat\na2.jpg,dog\na3.jpg,cat\n", False),
        ("id,target\n", True),
    ],
)
def test_whether_the_first_line_is_a_header_is_worked_out(read, tmp_path, content, header):
    table = read(content)
    first = content.split("\n")[0].split(",")
    names = first if header else [f"column{number}" for number in range(1, len(first) + 1)]
    assert list(table.cells.columns) == names == header_of(tmp_path / "t.csv")
    assert len(table.cells) == content.count("\n") - header


def test_a_header_that_counts_the_columns_is_certain(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0,1,2\n5,1,2\n3,1,2\n")
    assert header_guess(path) == (True, True, "its numbers count the columns")


def test_the_competitor_has_the_last_word_on_the_header(read):
    assert len(read("a,b\n1,2\n", header=False).cells) == 2
    assert list(read("6,148\n1,85\n8,183\n", header=True).cells.columns) == ["6", "148"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"\x1f\x8b\x08\0", "damaged"),
        (gzip.compress(b"id,a\n1,2\n")[:-6], "damaged"),
        (b"PAR1 nonsense", "damaged Parquet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed bytes hold the time of day
)
def test_a_file_that_is_no_table_is_one_message(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


def test_a_file_that_is_not_there_is_said_with_its_neighbour(tmp_path):
    (tmp_path / "train.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"train\.csv"):
        read_text_table(tmp_path / "trian.csv")


def test_the_header_of_a_large_file_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"id,a,a\n" + b"1,2,3\n" * 300_000)[:-20])
    assert header_of(path) == ["id", "a", "a.1"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "gb18030"])
def test_the_header_of_a_long_table_is_read_from_its_beginning_in_any_encoding(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(("id,名字\n" + "".join(f"{row},张伟{row}\n" for row in range(90_000))).encode(encoding))
    assert path.stat().st_size > 2 * SAMPLE
    assert header_of(path, encoding="gb18030" if encoding == "gb18030" else None) == ["id", "名字"]
