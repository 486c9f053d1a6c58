"""What a run changed against its parent, the earlier run whose settings differ least."""

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
    """The parent's name, or "", and the changes, a few words each."""

    parent: str
    words: tuple[str, ...]


def change_of(run: Run, earlier: Sequence[Run]) -> Change:
    """Compare a run with its parent, the latest of the earlier runs that differ least; a blend has none."""
    if run.is_blend:
        return Change("", (f"blend of {run.tags[MEMBERS]}",))
    candidates = [other for other in earlier if not other.is_blend]
    if not candidates:
        return Change("", ())
    parent = min(reversed(candidates), key=lambda other: len(_differing(run, other)))
    words = [f"{name} {_short(parent, name)} → {_short(run, name)}" for name in _differing(run, parent)]
    if run.tags.get(DATA) != parent.tags.get(DATA) and not words:
        words.append("the data")
    if not words:
        commits = [one.tags.get(COMMIT, "unknown")[:7] for one in (parent, run)]
        words.append(f"code {' → '.join(commits)}" if commits[0] != commits[1] else "code that is not committed")
    return Change(parent.name, tuple(words))


def _differing(one: Run, other: Run) -> list[str]:
    names = dict.fromkeys([*one.params, *other.params])
    return [name for name in names if is_telling(name) and setting(one, name) != setting(other, name)]


def is_telling(name: str) -> bool:
    """Return whether a setting of this name is worth showing where it differs."""
    return name not in SILENT and not name.startswith("sweep.")


def setting(run: Run, name: str) -> str:
    """Return a setting as text; an empty one counts as missing."""
    value = run.params.get(name, UNSET)
    return UNSET if value in ("None", "{}", "[]") else value


def _short(run: Run, name: str) -> str:
    value = setting(run, name)
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
