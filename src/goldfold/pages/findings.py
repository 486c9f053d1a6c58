"""What an audit found, as a table."""

from collections.abc import Sequence

from goldfold.pages.html import Html, element, joined, paragraph, rows_table


def findings_table(findings: Sequence[tuple[str, str, bool]]) -> Html:
    """What was found: about what, what is so, and whether it is serious."""
    if not findings:
        return paragraph("Nothing was found.")
    marks = [element("b", "▲", class_="wrong") if serious else Html("") for _, _, serious in findings]
    lines = [(mark, about, message) for mark, (about, message, _) in zip(marks, findings, strict=True)]
    table = rows_table(("", "", ""), lines, class_="found")
    if not any(serious for _, _, serious in findings):
        return table
    return joined([table, paragraph("▲ makes a score lie if nothing is done; the rest is good to know.")])
