"""Duplicate rows of several kinds of input."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.protocol import Alike


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Alike."""

    parts: Sequence[tuple[str, Alike]]

    def find_alike(self, competition: Competition, config: Any, folder: Path) -> pd.DataFrame:
        """Find the pairs of all kinds, each pair once, as the kind in which it is most alike."""
        tables = []
        for name, part in self.parts:
            pairs = part.find_alike(competition, getattr(config, name), folder)
            tables.append(pairs.assign(how=pairs["how"] + f" {name}"))
        most_alike = pd.concat(tables).sort_values("likeness", ascending=False, kind="stable")
        return most_alike.drop_duplicates(["first", "second"]).sort_values(["first", "second"], ignore_index=True)


joined = Joined
