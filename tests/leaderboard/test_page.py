import re
import xml.etree.ElementTree as ET

import pytest
from tests.conftest import problem_of
from tests.leaderboard.runs import begun, result

from goldfold.leaderboard import Position, agreements, standings
from goldfold.leaderboard.page import build_page, plot
from goldfold.tracking.submissions import Sending

PROBLEM = problem_of(3)
RUNS = [
    result("<first>", 0.9, public=0.8, params={f"train.a{n}": "1" for n in range(6)}, seconds=75.0),
    result("second", 0.8, public=0.7, params={f"train.a{n}": "2" for n in range(6)}),
    result("third", 0.7, public=0.75, sent=[Sending(7, begun(1), "m", "f", status="error", error="wrong columns")]),
    result("unsent", float("nan")),
]


@pytest.fixture
def runs():
    return standings(RUNS, PROBLEM.scored_by)[0]


@pytest.fixture
def page(runs):
    return build_page(PROBLEM, runs, agreements(runs), {"<first>": Position(12, 3611, "gold")}, 0.95, ["left <out>"])


def test_the_page_needs_no_other_file_and_escapes_what_people_wrote(page):
    assert not re.findall(r"<(?:link|iframe|object)|@import|url\(|\ssrc=", page)
    assert "&lt;first&gt;" in page and "<first>" not in page and "left &lt;out&gt;" in page


def test_each_cell_that_is_sorted_by_says_its_value(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2].partition("</tbody>")[0])
    values = [re.findall(r'data-v="(.*?)"', row) for row in rows]
    assert len(rows) == 4 and {len(cells) for cells in values} == {len(re.findall("<th data-by", page))} == {6}
    assert values[0][:4] == ["&lt;first&gt;", "0.9", "0.8", "12"] and values[0][4] == "75.0"
    assert values[3][:5] == ["unsent", "", "", "", ""]


def test_it_tells_changes_failures_the_place_and_the_agreement(page):
    assert "train.a2 1 → 2</div><details><summary>and 3 more" in page and "against &lt;first&gt;" in page
    assert "submission 7 failed: wrong columns" in page
    assert "12 gold" in page and "12 of 3,611" in page and "top 0.3%, gold" in page
    assert "rank correlation +0.50 (Spearman) of 3 runs; so few may agree by chance" in page
    scores = {"&lt;first&gt;": "0.90000", "second": "0.80000", "third": "0.70000"}
    names = [f"{name}: CV {cv}, public" for name, cv in scores.items()]
    assert [title.rpartition(" ")[0] for title in re.findall(r"<title>(.*?)</title>", page)[1:]] == names


def test_the_plot_is_an_image_of_its_own(runs, tmp_path):
    plot(PROBLEM, runs, "public", tmp_path / "plot.svg")
    root = ET.parse(tmp_path / "plot.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and "--page" in root[0].text
    assert len(root.findall(".//{*}title")) == 3
