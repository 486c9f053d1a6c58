"""HTML by small functions: what is no Html yet is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from goldfold.errors import escaped

WHOLE_FROM, EXPONENT_FROM = 1e5, 1e15
STYLE = Path(__file__).with_name("page.css")


class Html(str):
    """Text that is HTML already."""


def element(name: str, *content: str, **attributes: str) -> Html:
    """An element; `class_` and the like stand for attributes that Python has no names for, and _ for -."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(escaped(value))}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts one after another."""
    return Html("".join(part if isinstance(part, Html) else escape(escaped(part)) for part in parts))


def paragraph(*content: str, class_: str = "told") -> Html:
    """A paragraph, by default one that explains."""
    return element("p", *content, class_=class_)


def rows_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0, class_: str = "") -> Html:
    """A table, whose last `numbers` columns are set to the right."""
    first = len(head) - numbers

    def line(name: str, cells: Sequence[str]) -> Html:
        names = [name if cell else "td" for cell in cells]
        kinds = [{"class_": "n"} if at >= first else {} for at in range(len(cells))]
        return element("tr", *(element(each, cell, **kind) for each, cell, kind in zip(names, cells, kinds, strict=True)))

    body = element("tbody", *(line("td", row) for row in rows))
    table = element("table", *([element("thead", line("th", head))] if any(head) else []), body, class_=class_)
    return scrolled(table)


def scrolled(table: Html) -> Html:
    """A table that scrolls by itself where the page is narrow, by the keyboard too."""
    return element("div", table, class_="wide", tabindex="0")


def number(value: float | None) -> str:
    """A number with five significant digits, 1.0000, 0.98765, 123.45, or all before the point; a dash where there is none."""
    if value is None or pd.isna(value):
        return "–"
    return f"{value:,.0f}" if WHOLE_FROM <= abs(value) < EXPONENT_FROM else f"{value:#.5g}".rstrip(".")


def section(name: str, title: str, *content: str) -> Html:
    """A section of the page, to which its table of contents leads by `name`."""
    return element("section", element("h2", title), *content, id=name)


def page(title: str, lead: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """A whole page that needs no other file: the `lead`, then sections by name and title."""
    links = element("nav", *(element("a", shown, href=f"#{name}") for name, shown, _ in sections if len(sections) > 1))
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        element("style", Html(STYLE.read_text(encoding="utf-8"))),
    )
    body = element("body", element("main", lead, links, *(section(*part) for part in sections)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
