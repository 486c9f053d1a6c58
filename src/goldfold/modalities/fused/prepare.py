"""What the prepared set keeps of several kinds of input."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldfold.competition import Competition
from goldfold.modalities.protocol import Preparing
from goldfold.prepare import Gathered
from goldfold.prepare.prepare import Progress


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one."""

    parts: Sequence[tuple[str, Preparing]]

    def gather(self, competition: Competition, config: Any, folder: Path, progress: Progress, scratch: Path | None) -> Gathered:
        """Gather each kind into the same folder."""
        found = [part.gather(competition, getattr(config, name), folder, progress, scratch) for name, part in self.parts]
        return Gathered(
            digest=hashlib.blake2b("".join(each.digest for each in found).encode(), digest_size=16).hexdigest(),
            told=", ".join(each.told for each in found),
            decisions=tuple(decision for each in found for decision in each.decisions),
            blank=tuple(line for each in found for line in each.blank),
        )

    def gather_test(self, competition: Competition, config: Any, folder: Path) -> None:
        """Each kind into the same folder."""
        for name, part in self.parts:
            part.gather_test(competition, getattr(config, name), folder)

    def settle(self, folder: Path, scratch: Path) -> None:
        """Settle each kind."""
        for _, part in self.parts:
            part.settle(folder, scratch)


joined = Joined
