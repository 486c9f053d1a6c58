"""Facts about rows of several kinds of input."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.competition import Competition
from goldfold.modalities.protocol import Facts
from goldfold.prepare import RowFacts


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Facts."""

    parts: Sequence[tuple[str, Facts]]

    def row_facts(self, competition: Competition, folder: Path) -> RowFacts:
        """Return the facts of all kinds side by side."""
        facts = [part.row_facts(competition, folder) for _, part in self.parts]
        source, content = (
            pd.concat(tables, axis=1) for tables in zip(*((one.source, one.content) for one in facts), strict=True)
        )
        return RowFacts(source, content, tuple(line for one in facts for line in one.wrong))


joined = Joined
