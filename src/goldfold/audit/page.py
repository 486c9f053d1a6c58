"""The page of the audit: the findings, with rows side by side, and what was checked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldfold.audit.duplicates import Group
from goldfold.audit.finding import Finding, counted
from goldfold.audit.groups import Grouping
from goldfold.audit.leaks import Leak
from goldfold.audit.shift import Shift
from goldfold.imports import find_modality_part
from goldfold.pages.findings import findings_table
from goldfold.pages.html import Html, element, joined, number, page, paragraph, rows_table
from goldfold.pages.pictures import data_uri, fitted
from goldfold.pages.rows import MOST_VALUES, said
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT

MOST_GROUPS, MOST_ROWS, MOST_COLUMNS = 48, 4, 12
FOUND, NOT_FOUND = "▲ found", "–"


def audit_page(
    prepared: PreparedSet,
    findings: Sequence[Finding],
    same: Sequence[Group] | None,
    parted: Sequence[Grouping],
    leaks: Sequence[Leak],
    apart: Shift | None,
) -> str:
    """Return the page, which needs no other file and no network."""
    sections = [
        ("duplicates", "Duplicates", _duplicates(prepared, same)),
        ("groups", "Groups across folds", _groups(parted)),
        ("leaks", "What tells the target", _leaks(prepared, leaks)),
        ("shift", "Train and test", _shift(apart)),
    ]
    return page(f"{prepared.problem.name}: audit of the data", _lead(prepared, findings), sections)


def _lead(prepared: PreparedSet, findings: Sequence[Finding]) -> Html:
    rows = paragraph(f"{counted(len(prepared.train), 'training row')}, {counted(len(prepared.test), 'test row')}")
    table = findings_table([(item.about, item.message, item.serious) for item in findings])
    return element("header", element("h1", f"{prepared.problem.name}: audit of the data"), rows, table)


def _duplicates(prepared: PreparedSet, same: Sequence[Group] | None) -> Html:
    if same is None:
        return paragraph("This kind of input does not say which rows are the same.")
    how = paragraph(
        "Exact: the same file, pixels, words or values. Near: found by hashes and confirmed, images by their details once one is "
        "laid over the other, texts by the parts of words that they share. Mirrored: turned left to right."
    )
    if not same:
        return joined([how, paragraph("No two rows are the same or nearly.")])
    shown = same[:MOST_GROUPS]
    rest = [paragraph(f"{counted(len(same) - len(shown), 'more group')} in audit.json.")] if len(same) > len(shown) else []
    return joined([how, element("div", *_cards(prepared, shown), class_="cards pairs"), *rest])


def _cards(prepared: PreparedSet, same: Sequence[Group]) -> Iterator[Html]:
    """Yield a card for each group: its rows side by side, and what is wrong with it."""
    shown = _shown(prepared, [row for group in same for row in group.rows[:MOST_ROWS]])
    ids = [*prepared.train[prepared.problem.id], *prepared.test[prepared.problem.id]]
    for group in same:
        rows = [shown[row] for row in group.rows[:MOST_ROWS]]
        captions = [
            _caption(_answer(prepared, row), fold, str(ids[row])) for row, fold in zip(group.rows, group.folds, strict=True)
        ]
        figures = [_figure(*pair) for pair in zip(rows, captions, strict=False)]
        values = [_values(rows)] if rows[0].values else []
        more = [element("p", f"and {len(group.rows) - len(rows)} more", class_="small")] if len(group.rows) > len(rows) else []
        yield element("article", _title(group, prepared), element("div", *figures, class_="side"), *values, *more)


def _title(group: Group, prepared: PreparedSet) -> Html:
    how = " and ".join(group.how) + ("" if group.likeness == 1 else f" ({group.likeness:.3f})")
    facts = {
        "in several folds": group.across_folds,
        "in train and test": group.across_tables,
        f"different {', '.join(prepared.problem.targets[:3])}": group.conflict,
    }
    wrong = " · ".join(fact for fact, so in facts.items() if so)
    return element("p", element("b", how), *([" · ", element("span", wrong, class_="wrong")] if wrong else []))


def _caption(answer: str, fold: int | None, name: str) -> Html:
    where = "test" if fold is None else {ALWAYS: "always trained on", LEFT_OUT: "left out"}.get(fold, f"fold {fold}")
    return joined([*([element("b", answer), " · "] if answer else []), f"{where} · {name}"])


def _figure(shown: Shown, caption: Html) -> Html:
    picture = [Html(f'<img src="{data_uri(fitted(shown.picture))}" alt="">')] if shown.picture is not None else []
    return element("figure", *picture, *said(replace(shown, values={})), element("figcaption", caption))


def _values(shown: Sequence[Shown]) -> Html:
    """Return the columns of several rows side by side, those that differ first, and the number of the rest."""
    values = {name: [row.values[name] for row in shown] for name in shown[0].values}
    differ = [name for name, cells in values.items() if len({_plain(cell) for cell in cells}) > 1]
    order = [*differ, *(name for name in values if name not in differ)]
    lines = [(f"≠ {name}" if name in differ else name, *values[name]) for name in order[:MOST_VALUES]]
    left = [element("p", f"{len(values) - len(differ)} columns are the same", class_="small")] if len(order) > len(lines) else []
    return element("div", rows_table(("",) * len(lines[0]), lines), *left, class_="values")


def _plain(value: str) -> str:
    """Return a value for comparison: 2 and 2.0 are equal."""
    return value.removesuffix(".0")


def _shown(prepared: PreparedSet, rows: Sequence[int]) -> dict[int, Shown]:
    """Return rows as their kind of input shows them."""
    kind = find_modality_part(prepared.problem.modality, "shown")
    if kind is None:
        return dict.fromkeys(rows, Shown())
    count = len(prepared.train)
    train, test = [row for row in rows if row < count], [row for row in rows if row >= count]
    shown = [
        *(kind.show_rows(prepared, "train", np.array(train)) if train else []),
        *(kind.show_rows(prepared, "test", np.array(test) - count) if test else []),
    ]
    return dict(zip([*train, *test], shown, strict=True))


def _answer(prepared: PreparedSet, row: int) -> str:
    if row >= len(prepared.train):
        return ""
    values = prepared.train[list(prepared.problem.targets)].iloc[row]
    if prepared.problem.has_masks:
        return ", ".join(f"{area:.0f} pixels" for area in prepared.problem.amounts(values.to_numpy(dtype=object)[None])[0])
    if prepared.problem.task == "multilabel" and len(values) > 1:
        return ", ".join(str(name) for name, value in values.items() if value) or "no label"
    return ", ".join(str(value) if isinstance(value, str) else number(float(value)) for value in values)


def _groups(parted: Sequence[Grouping]) -> Html:
    how = paragraph(
        "Columns of repeated values, and the starts of the ids. If the test rows are of groups that training lacks, the "
        "validation rows should be too: set split.group."
    )
    if not parted:
        return joined([how, paragraph("There are none.")])
    lines = [
        (item.name, str(item.groups), f"{item.seen_in_folds:.0%}", _share(item.seen_in_test), FOUND if item.holds else NOT_FOUND)
        for item in parted[:MOST_COLUMNS]
    ]
    return joined([how, rows_table(("", "groups", "validation rows with their group in training", "test rows", ""), lines)])


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _leaks(prepared: PreparedSet, leaks: Sequence[Leak]) -> Html:
    how = paragraph(
        "How well a tree predicts the target from one fact alone, on unseen rows. A fact is found if it explains 5 % of the "
        "variance (10 % if content may be the reason), and more than on shuffled targets."
    )
    if not leaks:
        return joined([how, paragraph("There are no such facts, or too few rows.")])
    classes = not prepared.problem.has_amounts
    lines = [
        (item.fact, f"{item.explained:.1%}", *([f"{item.auc:.2f}"] if classes else []), FOUND if item.holds else NOT_FOUND)
        for item in leaks
    ]
    return joined([how, rows_table(("", "variance explained", *(["mean ROC AUC"] if classes else []), ""), lines)])


def _shift(apart: Shift | None) -> Html:
    how = paragraph(
        "Whether gradient boosting can tell test rows from training rows (adversarial validation): 0.5 is chance, 1 is certain. "
        "It needs the facts without which its ROC AUC falls, on held-out rows."
    )
    if apart is None:
        return joined([how, paragraph("There are no facts to tell them apart by, or too few rows.")])
    verdict = "They can be told apart." if apart.holds else "They cannot be told apart."
    score = paragraph(f"ROC AUC {apart.auc:.3f} ± {apart.error:.3f}. {verdict}")
    lines = [(name, f"{fall:.3f}", *(number(value) for value in apart.medians[name])) for name, fall in apart.needs.items()]
    table = [rows_table(("needs", "falls by", "median in train", "in test"), lines, numbers=3)] if lines and apart.holds else []
    return joined([how, score, *table])
