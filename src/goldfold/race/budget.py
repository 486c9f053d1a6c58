"""The budget of a race: how much time is left, and what ends within it."""

import time
from collections.abc import Callable

from goldfold.training.stopping import Reason, Stop

GRACE = 5.0
"""Seconds that a training has to save its state once the time is over."""
LAST_ANSWER = 4.0
"""Seconds that the last answer and its score take at least."""
FIRST_LATE = 15.0
"""Seconds by which the first answer may come late: one that is late is better than none."""
BESIDE = 2.0
"""Seconds that a member takes beside its training: to begin, to be saved, blended and logged."""
MARGIN = 1.25
"""How much longer a configuration may take than its measured cost says: folds that run at once share memory and cores."""


class Budget:
    """The seconds that a race has, from the moment `started` (unix, s) on, its preparation and its last answer included."""

    def __init__(self, seconds: float, started: float, clock: Callable[[], float] = time.time) -> None:
        self.seconds, self.started, self.clock = seconds, started, clock
        self.reserve = -FIRST_LATE

    @property
    def spent(self) -> float:
        """The seconds that are over."""
        return self.clock() - self.started

    @property
    def left(self) -> float:
        """The seconds that are left before the last answer has to be made, or the first."""
        return self.seconds - self.spent - self.reserve

    def allows(self, seconds: float, spent: float | None = None) -> bool:
        """Return whether what takes so many seconds, by its measured cost, ends in time, now or when others are spent."""
        left = self.left if spent is None else self.seconds - spent - self.reserve
        return seconds * MARGIN + BESIDE <= left

    def answered(self, seconds: float) -> None:
        """Take note of how long an answer took: the last one, with its interval and its choice of a method, takes longer."""
        self.reserve = LAST_ANSWER + 3 * seconds

    def stop(self, asked: Stop) -> Stop:
        """Return `asked` with a further reason to stop, when the time is over."""

        def reason() -> Reason | None:
            return asked() or ("interrupted" if self.left <= 0 else None)

        return reason
