"""What the pixels of mask files mean: which value, a number or a colour, is which class."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from goldfold.competition.painted_masks import Painted
from goldfold.config import MaskConfig
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.masks import MaskForm
from goldfold.masks.codes import merged, written

IGNORED = 255
"""The number that often marks pixels that do not count."""
HALF = 128
MOST_CLASSES = 100
SOFT = 8
"""Different values of one mask from which on they may be soft edges."""


class Meaning(NamedTuple):
    """The classes in order, which class each value is, None for the background, and how that was decided."""

    classes: tuple[str, ...]
    of: Mapping[int, str | None]
    why: str


def meaning_of(files: Sequence[Painted], config: MaskConfig, name: str) -> Meaning:
    """Work out which value is which class; a class alone is called `name`.

    Raises QuestionError where the values leave it open, and InputError for colours without number.
    """
    areas = _areas(files)
    if config.inside_from is not None:
        whole = {value: name if value >= config.inside_from else None for value in areas}
        return Meaning((name,), whole, f"pixels of {config.inside_from} and more are in a mask")
    is_colour = any(one.is_colour for one in files)
    if config.values:
        named = {number_of(text): label for text, label in config.values.items()}
        classes = tuple(dict.fromkeys(label for label in named.values() if label is not None))
        return Meaning(classes, {0: None, **named}, "as params.yaml says")
    inside = sorted(value for value in areas if value)
    if len(inside) == 1 or not inside:
        return Meaning((name,), {0: None, **dict.fromkeys(inside, name)}, f"{_listed(inside, is_colour)} is inside")
    _require_exact(files, areas, config, is_colour)
    if IGNORED in inside and not is_colour:
        raise _ignored(config, inside)
    if not is_colour and _count_instances(files):
        raise _instances(config, inside)
    classes = tuple(text_of(value, is_colour) for value in inside)
    kind = "colours" if is_colour else "numbers"
    background = (
        "0 is the background" if 0 in areas and not is_colour else "black is the background" if 0 in areas else "there is no 0"
    )
    return Meaning(
        classes, {0: None, **dict(zip(inside, classes, strict=True))}, f"{len(classes)} {kind} are classes; {background}"
    )


def codes_of_classes(files: Sequence[Painted], meaning: Meaning, form: MaskForm) -> dict[str, str]:
    """Return the code of each class in the masks of one image; raises ValueError for a value that is no class."""
    codes = {}
    unknown = sorted({value for one in files for value in np.unique(one.values).tolist()} - set(meaning.of))
    if unknown:
        raise ValueError(f"its value {text_of(unknown[0], files[0].is_colour)} is no class of competition.mask.values")
    for label in meaning.classes:
        own = [value for value, name in meaning.of.items() if name == label]
        runs = []
        for one in files:
            chosen = np.isin(one.values, own)
            runs.append(np.stack([one.starts[chosen], one.starts[chosen] + one.lengths[chosen]], axis=1))
        codes[label] = written(merged(np.concatenate(runs)), form)
    return codes


def text_of(value: int, is_colour: bool) -> str:
    """Return a value as params.yaml writes it: 3, #ff0000."""
    return f"#{value:06x}" if is_colour else str(value)


def number_of(text: str) -> int:
    """Return the value that params.yaml writes."""
    return int(text[1:], 16) if text.startswith("#") else int(text)


def _listed(values: Sequence[int], is_colour: bool) -> str:
    return ", ".join(text_of(value, is_colour) for value in values[:10]) + (" …" if len(values) > 10 else "") or "nothing"


def _areas(files: Sequence[Painted]) -> dict[int, int]:
    """How many pixels of all masks have each value."""
    areas: dict[int, int] = {}
    for one in files:
        values, places = np.unique(one.values, return_inverse=True)
        for value, area in zip(values.tolist(), np.bincount(places, one.lengths).astype(int).tolist(), strict=True):
            areas[value] = areas.get(value, 0) + area
    return areas


def _require_exact(files: Sequence[Painted], areas: Mapping[int, int], config: MaskConfig, is_colour: bool) -> None:
    """Raise for masks whose edges are soft, and for more values than there are classes."""
    inside = sorted(value for value in areas if value)
    if is_colour:
        if len(inside) > MOST_CLASSES or any(one.is_lossy for one in files):
            raise InputError(
                f"mask files have {len(inside)} colours{_of_lossy(files)}: they are no classes",
                [_listed(inside, is_colour)],
                "save them without loss and without smoothed edges, or name the colours of classes in competition.mask.values",
            )
        return
    between = sum(areas[value] for value in inside[:-1])
    is_soft = inside[-1] >= HALF and len(inside) >= SOFT and between < areas[inside[-1]]
    if any(one.is_lossy for one in files) or is_soft or len(inside) > MOST_CLASSES:
        replies = [
            _reply(config, "soft edges: from half of the highest on a pixel is inside", inside_from=(inside[-1] + 1) // 2),
            _reply(config, "numbers of instances: all but 0 is inside", inside_from=1),
        ]
        raise QuestionError(
            f"mask files have {len(inside)} values beside 0{_of_lossy(files)}: soft edges of one class, or numbers of instances?",
            replies if is_soft or any(one.is_lossy for one in files) else replies[::-1],
            [_listed(inside, is_colour)],
        )


def _of_lossy(files: Sequence[Painted]) -> str:
    count = sum(one.is_lossy for one in files)
    return f", and {count} of {len(files)} are JPEG, which changes pixels" if count else ""


def _ignored(config: MaskConfig, inside: Sequence[int]) -> QuestionError:
    others = {str(value): str(value) for value in inside if value != IGNORED}
    return QuestionError(
        f"mask files have the values {_listed(inside, False)}: is {IGNORED} a class, or pixels that do not count? Those "
        "cannot be left out of the score, and would be background",
        [
            _reply(config, f"{IGNORED} is background", values={**others, str(IGNORED): None}),
            _reply(config, f"{IGNORED} is a class", values={**others, str(IGNORED): str(IGNORED)}),
        ],
    )


def _count_instances(files: Sequence[Painted]) -> bool:
    """Whether the values of each mask count from 1, some further than others, as numbers of instances do."""
    seen = [[value for value in np.unique(one.values).tolist() if value] for one in files]
    counts = {len(values) for values in seen if values}
    return len(counts) > 1 and max(counts) > 2 and all(values == list(range(1, len(values) + 1)) for values in seen)


def _instances(config: MaskConfig, inside: Sequence[int]) -> QuestionError:
    return QuestionError(
        f"each mask file counts from 1, up to {inside[-1]}: are these numbers of instances, or of classes?",
        [
            _reply(config, "instances of one class", inside_from=1),
            _reply(config, "classes", values={str(value): str(value) for value in inside}),
        ],
    )


def _reply(config: MaskConfig, meaning: str, **change: Any) -> Reply:
    """A reply that changes the setting `mask`."""
    return Reply("mask", {**config.model_dump(exclude_unset=True), **change}, meaning)
