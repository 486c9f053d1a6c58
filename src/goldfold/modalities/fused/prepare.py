"""What the prepared set keeps of several kinds of input."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.prepare import Gathered, PreparedSet, Shown
from goldfold.prepare.duplicates import pairs_table
from goldfold.prepare.prepare import Progress
from goldfold.prepare.prepared_set import Part
from goldfold.prepare.shown import together

if TYPE_CHECKING:
    from goldfold.modalities.protocol import Preparing


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one."""

    parts: Sequence[tuple[str, "Preparing"]]

    def gather(self, competition: Competition, config: Any, folder: Path, progress: Progress, scratch: Path | None) -> Gathered:
        """Gather each kind into the same folder."""
        found = [part.gather(competition, getattr(config, name), folder, progress, scratch) for name, part in self.parts]
        return Gathered(
            digest=hashlib.blake2b("".join(each.digest for each in found).encode(), digest_size=16).hexdigest(),
            told=", ".join(each.told for each in found),
            decisions=tuple(decision for each in found for decision in each.decisions),
            blank=tuple(line for each in found for line in each.blank),
        )

    def find_alike(self, competition: Competition, config: Any, folder: Path) -> pd.DataFrame:
        """The pairs that any kind finds, each once, as the kind in which it is most alike."""
        found = []
        for name, part in self._with("find_alike"):
            pairs = part.find_alike(competition, getattr(config, name), folder)
            found.append(pairs.assign(how=pairs["how"] + f" {name}"))
        most_alike = pd.concat(found).sort_values("likeness", ascending=False, kind="stable") if found else pairs_table([], [])
        return most_alike.drop_duplicates(["first", "second"]).sort_values(["first", "second"], ignore_index=True)

    def source_facts(self, competition: Competition, folder: Path) -> pd.DataFrame:
        """Those of all kinds that have some."""
        return _beside([part.source_facts(competition, folder) for _, part in self._with("source_facts")], competition)

    def content_facts(self, competition: Competition, folder: Path) -> pd.DataFrame:
        """Those of all kinds that have some."""
        return _beside([part.content_facts(competition, folder) for _, part in self._with("content_facts")], competition)

    def show_rows(self, prepared: PreparedSet, part: Part, rows: Array) -> list[Shown]:
        """The rows as each kind shows them that does, together."""
        kinds = [kind.show_rows(prepared, part, rows) for _, kind in self._with("show_rows")]
        return [together(each) for each in zip(*kinds, strict=True)] or [Shown()] * len(rows)

    def _with(self, function: str) -> list[tuple[str, "Preparing"]]:
        return [(name, part) for name, part in self.parts if hasattr(part, function)]

    def gather_test(self, competition: Competition, config: Any, folder: Path) -> None:
        """Each kind into the same folder."""
        for name, part in self.parts:
            part.gather_test(competition, getattr(config, name), folder)

    def settle(self, folder: Path, scratch: Path) -> None:
        """Settle each kind."""
        for _, part in self.parts:
            part.settle(folder, scratch)


def _beside(tables: Sequence[pd.DataFrame], competition: Competition) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(index=range(len(competition.train) + len(competition.test))), *tables], axis=1)


joined = Joined
