"""The sections for sounds: their rate, windows and spectrogram, the network and how it is trained."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from goldfold.competition import Competition
from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.setting import Setting
from goldfold.init.training import learning

LOOKED_AT = 300
MOST_RATE, MOST_SECONDS = 32_000, 10.0
USUAL = "or blank, or drop the row, where a sound is missing or bad"
AUGMENT = [
    {"name": "Speed", "low": 0.85, "high": 1.15, "p": 0.8},
    {"name": "Noise", "low": 10.0, "high": 40.0, "p": 0.5},
    {"name": "SpecAugment", "p": 0.8},
]


class Heard(NamedTuple):
    """What most of some sounds have: their rate, and the lengths in seconds that half and nearly all of them do not exceed."""

    rate: int
    median: float
    longest: float


def sections_of_sounds(files: RowFiles, competition: Competition) -> list[Setting]:
    """Return the settings of all sections that depend on the kind of input."""
    heard = _heard(path for name in files.paths if (path := files.root / name).is_file())
    rate, seconds = min(heard.rate, MOST_RATE), _window(heard)
    return [
        Setting("prepare.rate", rate, f"samples a second; most files have {heard.rate}"),
        Setting("prepare.bad_sounds", *(("drop", _without(files)) if files.missing else ("error", USUAL))),
        Setting("model.name", "test_resnet", "any timm backbone"),
        Setting("model.pretrained", False),
        Setting(
            "model.seconds",
            seconds,
            f"the window; half of the sounds are at most {heard.median:.1f} s long, nearly all {heard.longest:.1f}",
        ),
        Setting("model.mels", 48),
        Setting("augment", AUGMENT),
        *learning(epochs=30, batch_size=16, lr=0.004, weight_decay=0.05),
    ]


def sections_of_sounds_and_table(files: RowFiles, competition: Competition, columns: dict[str, Any]) -> list[Setting]:
    """Return the settings of both kinds of input; `columns` says which of the table's are read otherwise than by their cells."""
    return []


def _window(heard: Heard) -> float:
    """Return the seconds of a window that holds nearly all sounds whole, if they are short."""
    return float(np.clip(np.ceil(heard.longest * 10) / 10, 0.5, MOST_SECONDS))


def _in_words(heard: Heard) -> str:
    return f"the window; half of the sounds are at most {heard.median:.1f} s long, nearly all at most {heard.longest:.1f} s"


def _heard(paths: Iterable[Path]) -> Heard:
    import soundfile

    paths = list(paths)
    some = [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(len(paths), LOOKED_AT))]
    rates: Counter[int] = Counter()
    seconds = []
    for path in some:
        try:
            info = soundfile.info(path)
        except (soundfile.SoundFileError, OSError):
            continue
        rates[info.samplerate] += 1
        seconds.append(info.duration)
    if not seconds:
        raise InputError(
            f"none of {len(some)} sounds can be read", [str(path) for path in some], "replace them: they seem damaged"
        )
    return Heard(rates.most_common(1)[0][0], float(np.median(seconds)), float(np.quantile(seconds, 0.95)))


def _without(files: RowFiles) -> str:
    """Which rows have no sound, and what may become of them."""
    count = len(files.missing)
    more = f" and {count - 1} more" if count > 1 else ""
    return (
        f"{count} of {len(files.paths)} rows {'have' if count > 1 else 'has'} no sound: {files.missing[0]}{more}; "
        "blank puts silence in its place, drop leaves a training row out, error stops"
    )
