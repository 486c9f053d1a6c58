"""Statistics of texts, for the audit."""

from pathlib import Path

import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.text.prepare import kept_texts, texts_of
from goldfold.prepare import RowFacts

SHARES = {"capitals": "[A-Z]", "digits": r"\d", "punctuation": r"[^\w\s]", "characters beyond ASCII": r"[^\x00-\x7f]"}


def row_facts(competition: Competition, folder: Path) -> RowFacts:
    """Return how long each text is, and the shares of capitals, digits, punctuation and other characters in it."""
    kept = kept_texts(folder)
    texts = pd.Series([*texts_of(competition.train, kept), *texts_of(competition.test, kept)], dtype="str")
    length = texts.str.len()
    shares = {f"share of {name}": texts.str.count(pattern) / length.clip(lower=1) for name, pattern in SHARES.items()}
    content = pd.DataFrame({"characters": length, "words": texts.str.count(r"\S+"), **shares}).astype("float64")
    return RowFacts(content=content)
