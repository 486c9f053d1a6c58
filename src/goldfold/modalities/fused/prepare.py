"""What the prepared set keeps of several kinds of input."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.competition import Competition
from goldfold.prepare import Gathered
from goldfold.prepare.preparation import Progress

if TYPE_CHECKING:
    from goldfold.modalities.protocol import Prepare


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one."""

    parts: Sequence[tuple[str, "Prepare"]]

    def gather(self, competition: Competition, config: Any, folder: Path, progress: Progress, scratch: Path | None) -> Gathered:
        """Gather each kind into the same folder."""
        kinds = [part.gather(competition, getattr(config, name), folder, progress, scratch) for name, part in self.parts]
        return Gathered(
            digest=hashlib.blake2b("".join(kind.digest for kind in kinds).encode(), digest_size=16).hexdigest(),
            description=", ".join(kind.description for kind in kinds),
            decisions=tuple(decision for kind in kinds for decision in kind.decisions),
            blank=tuple(line for kind in kinds for line in kind.blank),
            dropped=tuple(sorted({row for kind in kinds for row in kind.dropped})),
            own=tuple(name for kind in kinds for name in kind.own),
        )


joined = Joined
