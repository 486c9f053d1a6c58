"""A row on a page, as its kind of input shows it."""

import base64

from goldfold.pages.html import Html, element, joined
from goldfold.prepare import Shown

MOST_TEXT, MOST_VALUES = 400, 12


def said(shown: Shown) -> list[Html]:
    """The sound, the text and the values of a row, as far as they have room."""
    parts = []
    if shown.sound is not None:
        content = base64.b64encode(shown.sound).decode()
        parts.append(Html(f'<audio controls preload="none" src="data:audio/flac;base64,{content}"></audio>'))
    if shown.text:
        parts.append(element("blockquote", shown.text[:MOST_TEXT] + ("…" if len(shown.text) > MOST_TEXT else "")))
    if shown.values:
        pairs = list(shown.values.items())[:MOST_VALUES]
        parts.append(element("dl", *(joined([element("dt", name), element("dd", value)]) for name, value in pairs)))
    return parts
