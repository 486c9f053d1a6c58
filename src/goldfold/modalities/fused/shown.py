"""Rows of several kinds of input as people see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from goldfold.metrics import Array
from goldfold.modalities.protocol import Showing, Spec
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part
from goldfold.prepare.shown import join_shown


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Showing."""

    parts: Sequence[tuple[str, Showing]]

    def show_rows(self, prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
        """Return each row as all kinds show it."""
        kinds = [kind.show_rows(prepared, part, rows, spec and spec[name]) for name, kind in self.parts]
        return [join_shown(row) for row in zip(*kinds, strict=True)]


joined = Joined
