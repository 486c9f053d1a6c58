"""The leaderboard in one HTML file, sorted by a click, and its plot."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from goldfold.competition import Problem
from goldfold.files import written_whole
from goldfold.leaderboard.medals import Position
from goldfold.leaderboard.standing import PARTS, Agreement, Standing
from goldfold.pages.html import STYLE, Html, element, joined, number, page, paragraph, rows_table, scrolled
from goldfold.pages.svg import Frame, scale_of
from goldfold.terminal import clock

PAGE = "leaderboard.html"
SORT = Path(__file__).with_name("sort.js")
SHOWN = 3
TITLES = {"public": "public leaderboard", "private": "private leaderboard", "test": "test labels"}


def build_page(
    problem: Problem,
    runs: Sequence[Standing],
    agreed: Sequence[Agreement],
    positions: Mapping[str, Position],
    confidence: float,
    remarks: Sequence[str],
) -> str:
    """Build the page of runs in this order; `positions` are those of public scores, by run id."""
    better = "more" if problem.scored_by.maximize else "less"
    tiles = _best(problem, runs)
    if positions:
        best = min(positions.values(), key=lambda position: position.rank)
        share = f"top {best.share:.1%}, {best.medal or 'no medal'}"
        tiles.append(_tile("place on Kaggle", f"{best.rank:,} of {best.teams:,}", share))
    lead = element(
        "header",
        element("h1", f"{problem.name}: leaderboard"),
        paragraph(f"{len(runs)} run{'s' * (len(runs) > 1)}, scored by {problem.scored_by.name} ({better} is better)"),
        element("div", *tiles, class_="tiles"),
        *(paragraph(remark, class_="small") for remark in remarks),
    )
    hint = paragraph("Click a column's head to sort by it.", class_="small")
    script = element("script", Html(SORT.read_text(encoding="utf-8")))
    sections = [("runs", "Runs", joined([hint, _table(problem, runs, positions, confidence), script]))]
    if agreed:
        sections.append(("agreement", "Do CV and leaderboard agree?", _agreement(problem, runs, agreed, confidence)))
    return page(f"{problem.name}: leaderboard", lead, sections)


def plot(problem: Problem, runs: Sequence[Standing], part: str, path: Path) -> None:
    """Draw CV and the scores of a part of the test set as an SVG file of its own."""
    style = element("style", Html(STYLE.read_text(encoding="utf-8") + "svg { font-family: system-ui, sans-serif; }"))
    head, _, rest = _chart(problem, runs, part).partition(">")
    with written_whole(path) as draft:
        draft.write_text(f'{head} xmlns="http://www.w3.org/2000/svg">{style}{rest}', encoding="utf-8")


def _tile(name: str, value: str, remark: str) -> Html:
    return element("div", element("span", name), element("strong", value), element("small", remark), class_="tile")


def _best(problem: Problem, runs: Sequence[Standing]) -> list[Html]:
    """A tile for the best run by CV, and by each part of the test set that has scores."""
    pick = max if problem.scored_by.maximize else min
    tiles = []
    for title, part in (("CV", None), *((TITLES[part], part) for part in PARTS)):
        scores = {run.name: score for run in runs if (score := run.score(part)) is not None}
        if scores:
            best = pick(scores, key=lambda name: scores[name])
            tiles.append(_tile(f"best by {title}", number(scores[best]), best))
    return tiles


def _table(problem: Problem, runs: Sequence[Standing], positions: Mapping[str, Position], confidence: float) -> Html:
    parts = [part for part in PARTS if any(run.scores[part] is not None for run in runs)]
    down = "down" if problem.scored_by.maximize else "up"
    heads = [
        _head("run", "up", "text"),
        _head("CV", down),
        element("th", f"{confidence:.0%} interval"),
        *(_head(part, down) for part in parts),
        *([_head("place", "up")] if positions else []),
        element("th", "changed against its parent"),
        _head("trained", "up"),
        _head("begun (UTC)", "down"),
    ]
    rows = []
    for run in runs:
        cells = [
            _cell(run.name, run.name, "name"),
            _cell(number(run.cv), run.cv, "n"),
            element("td", f"{number(run.low)} to {number(run.high)}", class_="interval"),
            *(_cell(number(run.scores[part]), run.scores[part], "n") for part in parts),
            *([_rank(positions.get(run.id))] if positions else []),
            element("td", *_changed(run)),
            _cell(clock(run.seconds) if run.seconds else "–", run.seconds or None, "n"),
            _cell(f"{run.started:%Y-%m-%d %H:%M}", run.started.timestamp(), "n interval"),
        ]
        rows.append(element("tr", *cells))
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="sortable")
    return scrolled(table)


def _head(title: str, first: str, kind: str = "number") -> Html:
    """The head of a column that a click sorts, at first `down` or `up`."""
    return element("th", title, data_by=first, data_as=kind, **({} if kind == "text" else {"class_": "n"}))


def _cell(content: str, value: float | str | None, class_: str) -> Html:
    finite = value is not None and (isinstance(value, str) or np.isfinite(value))
    return element("td", content, data_v=str(value) if finite else "", class_=class_)


def _rank(position: Position | None) -> Html:
    if position is None:
        return _cell("–", None, "n")
    return _cell(f"{position.rank:,} {position.medal}".strip(), position.rank, f"n {position.medal}".strip())


def _changed(run: Standing) -> list[Html]:
    lines, more = ([element("div", word) for word in part] for part in (run.change.words[:SHOWN], run.change.words[SHOWN:]))
    if more:
        lines.append(element("details", element("summary", f"and {len(more)} more"), *more))
    parent = [paragraph(f"against {run.change.parent}", class_="small")] if run.change.parent else []
    failed = [paragraph(f"submission {sent.ref} failed: {sent.error}", class_="small wrong") for sent in run.sent if sent.error]
    return [*lines, *parent, *failed]


def _agreement(problem: Problem, runs: Sequence[Standing], agreed: Sequence[Agreement], confidence: float) -> Html:
    charts = [_chart(problem, runs, agreement.part) for agreement in agreed]
    table = rows_table(("", ""), [(f"CV and {TITLES[agreement.part]}", str(agreement)) for agreement in agreed])
    key = f"A dot is a run, the bar its {confidence:.0%} interval of CV, the dashed line where both scores are equal."
    return joined([table, element("div", *charts, class_="charts"), paragraph(key)])


def _chart(problem: Problem, runs: Sequence[Standing], part: str) -> Html:
    """A chart of CV against the scores of a part of the test set, a dot per run."""
    metric = problem.scored_by.name
    pairs = [(run, score) for run in runs if (score := run.score(part)) is not None and isfinite(run.cv)]
    x = scale_of([np.array([end for run, _ in pairs for end in (run.low, run.high, run.cv)])], f"{metric}, out of fold")
    y = scale_of([np.array([score for _, score in pairs])], "")
    frame = Frame(x, y)
    low, high = max(x.low, y.low), min(x.high, y.high)
    marks = [frame.line(np.array([low, high]), np.array([low, high]), "line grey")] if low < high else []
    marks += [frame.line(np.array([run.low, run.high]), np.array([score] * 2), "line c0 interval") for run, score in pairs]
    for run, score in pairs:
        named = element("title", f"{run.name}: CV {number(run.cv)}, {part} {number(score)}")
        marks.append(element("g", named, frame.dots(run.cv, score, "c0")))
    return frame.drawn(*marks, title=f"{metric} by {TITLES[part]}")
