"""Settings that older versions of goldfold spelt otherwise, and defaults that meant something else: the facts, by date.

No version stands in params.yaml: each older spelling is one that this version refuses, and tells by itself how old the file is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from goldfold.errors import InputError

ABSENT = object()


class Spelling(NamedTuple):
    """A key that moved to `new` on the day `since`, or whose values did; `value` raises KeyError for those that stay."""

    since: str
    old: str
    new: str
    value: Callable[[Any, Mapping[str, Any]], Any]


class Meaning(NamedTuple):
    """What a file of before `since` gets otherwise without a word in it, and whether a tree is concerned."""

    since: str
    told: str
    concerns: Callable[[Mapping[str, Any]], bool]


class Taken(NamedTuple):
    """A change that was made: the keys, the values, and since when."""

    since: str
    old: str
    before: Any
    new: str
    after: Any


class Along(NamedTuple):
    """The tree of params.yaml as this version spells it, what was changed, and what is left to the competitor."""

    tree: dict[str, Any]
    taken: tuple[Taken, ...]
    left: tuple[str, ...]


def _as_it_is(value: Any, _: Mapping[str, Any]) -> Any:
    return value


def _average(value: Any, tree: Mapping[str, Any]) -> str:
    # The values of a regression were averaged arithmetically either way.
    geometric = "predictions" if at(tree, "competition.task") == "regression" else "logits"
    return {"arithmetic": "predictions", "geometric": geometric}[value]


CHANGES: tuple[Spelling | Meaning, ...] = (
    Spelling("2026-11-21", "model.freeze_batch_norm", "finetune.freeze_batch_norm", _as_it_is),
    Spelling("2026-11-21", "train.seed", "train.seeds", lambda value, _: [value]),
    Meaning(
        "2026-11-21",
        "predict.tta changes the out-of-fold rows too, as it does the test rows: the CV is that of the submission",
        lambda tree: bool(at(tree, "predict.tta", None)),
    ),
    Spelling("2026-11-21", "predict.average", "predict.average", _average),
    Meaning(
        "2026-11-21",
        "prepare.duplicates is left out, and duplicates come into one fold now: `duplicates: keep` leaves them where they were",
        lambda tree: at(tree, "prepare.duplicates") is ABSENT,
    ),
    Meaning(
        "2026-11-27",
        "train.precision: auto is a rule now, no timing, and may choose otherwise (docs/speed.md); name one to keep it",
        lambda tree: at(tree, "train.precision", "auto") == "auto",
    ),
    Meaning(
        "2026-11-27",
        "model.token_pattern is left out, and cuts Thai, Chinese and Japanese into characters now",
        lambda tree: at(tree, "competition.modality") == "text" and at(tree, "model.token_pattern") is ABSENT,
    ),
)
"""In the order in which they came: a file with an older spelling has met no change that comes after it."""


def at(tree: Any, key: str, default: Any = ABSENT) -> Any:
    """Return the value of a dotted key in a tree of sections."""
    for part in key.split("."):
        tree = tree.get(part, ABSENT) if isinstance(tree, Mapping) else ABSENT
    return default if tree is ABSENT else tree


def taken_along(tree: Mapping[str, Any], source: str) -> Along:
    """Spell a tree as this version does; raises InputError where a key stands in both spellings."""
    made, taken = dict(tree), []
    first = len(CHANGES)
    for place, change in _spellings(tree):
        before = at(tree, change.old)
        if change.old != change.new and at(tree, change.new) is not ABSENT:
            raise InputError(
                f"{source} has both {change.old} and {change.new}",
                [f"{change.old} is the spelling of before {change.since}"],
                f"delete the line of {change.old}",
            )
        after = change.value(before, tree)
        made = _with(_without(made, change.old), change.new, after)
        taken.append(Taken(change.since, change.old, before, change.new, after))
        first = min(first, place)
    meanings = [change for change in CHANGES[first:] if isinstance(change, Meaning)]
    left = [f"{change.told} (since {change.since})" for change in meanings if change.concerns(tree)]
    if any(change.after == "logits" for change in taken) and at(tree, "competition.task", None) is None:
        left.append("predict.average: logits is for classes; where numbers are predicted, write predictions")
    return Along(made, tuple(taken), tuple(left))


def is_older(tree: Any) -> bool:
    """Whether a tree of settings has a spelling of an older version."""
    return isinstance(tree, Mapping) and any(True for _ in _spellings(tree))


def _spellings(tree: Mapping[str, Any]) -> Iterator[tuple[int, Spelling]]:
    """The older spellings in a tree, each with its place among the changes."""
    for place, change in enumerate(CHANGES):
        if isinstance(change, Spelling) and at(tree, change.old) is not ABSENT:
            try:
                change.value(at(tree, change.old), tree)
            except (KeyError, TypeError):
                continue
            yield place, change


def _without(tree: Mapping[str, Any], key: str) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return {**tree, section: {other: value for other, value in tree[section].items() if other != name}}


def _with(tree: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return {**tree, section: {**(tree.get(section) or {}), name: value}}
