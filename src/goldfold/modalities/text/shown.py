"""Texts as people see them."""

from goldfold.metrics import Array
from goldfold.modalities.protocol import Spec
from goldfold.modalities.text.prepare import kept_texts, texts_of
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the texts."""
    return [Shown(text=text) for text in texts_of(prepared.table(part).iloc[rows], kept_texts(prepared.folder))]
