"""What a run changed against its parent: the earlier run whose settings are most like its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from goldfold.runs.run import Run
from goldfold.tracking.store import MEMBERS

SILENT = ("competition.name", "competition.path", "competition.kaggle", "competition.solution")
"""Settings that change no result, beside those of a search itself."""
DATA, COMMIT = "goldfold.data", "mlflow.source.git.commit"
LONGEST = 40
UNSET = "–"


@dataclass(frozen=True)
class Change:
    """The parent's name, "" where there is none, and the changes in a few words each."""

    parent: str
    words: tuple[str, ...]


def change_of(run: Run, earlier: Sequence[Run]) -> Change:
    """What is new in a run. Of earlier runs with equally few other settings the latest is the parent; a blend has none."""
    if run.is_blend:
        return Change("", (f"blend of {run.tags[MEMBERS]}",))
    candidates = [other for other in earlier if not other.is_blend]
    if not candidates:
        return Change("", ())
    parent = min(reversed(candidates), key=lambda other: len(_differing(run, other)))
    words = [f"{name} {_told(parent, name)} → {_told(run, name)}" for name in _differing(run, parent)]
    if run.tags.get(DATA) != parent.tags.get(DATA) and not words:
        words.append("the data")
    if not words:
        commits = [one.tags.get(COMMIT, "unknown")[:7] for one in (parent, run)]
        words.append(f"code {' → '.join(commits)}" if commits[0] != commits[1] else "code that is not committed")
    return Change(parent.name, tuple(words))


def _differing(one: Run, other: Run) -> list[str]:
    names = dict.fromkeys([*one.params, *other.params])
    telling = [name for name in names if name not in SILENT and not name.startswith("sweep.")]
    return [name for name in telling if _value(one, name) != _value(other, name)]


def _value(run: Run, name: str) -> str:
    """A setting as text; one that is not set is the same as one that is not there."""
    value = run.params.get(name, UNSET)
    return UNSET if value in ("None", "{}", "[]") else value


def _told(run: Run, name: str) -> str:
    value = _value(run, name)
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
