"""The style of all pages: what is read stands out from what is behind it, in light and in dark."""

import re

import pytest

from goldfold.pages.html import STYLE, rows_table

CSS = STYLE.read_text()
READABLE = 4.5
"""The contrast that WCAG 2 asks of text at level AA."""
SCHEMES = dict(zip(("light", "dark"), re.findall(r"--page: .*", CSS), strict=True))


def colours(scheme):
    return {name: rgb(value) for name, value in re.findall(r"--(\w+): (#\w+)", SCHEMES[scheme])}


def rgb(text):
    digits = text.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return [int(digits[at : at + 2], 16) for at in (0, 2, 4)]


def luminance(colour):
    shares = [
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in (part / 255 for part in colour)
    ]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), shares, strict=True))


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme):
    named = colours(scheme)
    for text in ("ink", "soft", "accent", "bad"):
        assert min(contrast(named[text], named[behind]) for behind in ("page", "card")) >= READABLE, text
    medals = re.findall(r"\.(gold|silver|bronze) \{ color: light-dark\((#\w+), (#\w+)\)", CSS)
    assert len(medals) == 3
    for name, *both in medals:
        assert contrast(rgb(both[scheme == "dark"]), named["card"]) >= READABLE, name


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("kind", "colour"), [("right", "accent"), ("wrong", "bad")])
def test_numbers_can_be_read_in_the_fullest_cells_of_a_matrix(scheme, kind, colour):
    (most,) = re.findall(rf"\.matrix \.{kind} .* calc\(var\(--s\) \* (\d+)%\)", CSS)
    named, share = colours(scheme), int(most) / 100
    behind = [share * full + (1 - share) * card for full, card in zip(named[colour], named["card"], strict=True)]
    assert contrast(named["ink"], behind) >= READABLE


def test_a_table_scrolls_by_the_keyboard_and_has_no_empty_heads():
    table = rows_table(("", "score"), [("a", "1")], numbers=1)
    assert table.startswith('<div class="wide" tabindex="0">') and '<td></td><th class="n">score</th>' in table
