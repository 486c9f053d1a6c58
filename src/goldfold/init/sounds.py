"""The sections for sounds: their rate, windows and spectrogram, the network and how it is trained."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.setting import Setting
from goldfold.init.training import learning

LOOKED_AT = 300
MOST_RATE, MOST_SECONDS = 32_000, 5.0
FEW_BANDS, MANY_BANDS, LOW_RATE = 48, 64, 11_025
WINDOWS = 8
USUAL = "or blank, or drop the row, where a sound is missing or bad"
AUGMENT = [
    {"name": "Speed", "low": 0.75, "high": 1.33, "p": 0.9},
    {"name": "Noise", "low": 10.0, "high": 40.0, "p": 0.5},
]


class Heard(NamedTuple):
    """What most of some sounds have: their rate, and the lengths in seconds that half and nearly all of them do not exceed."""

    rate: int
    median: float
    longest: float


def sections_of_sounds(files: RowFiles) -> list[Setting]:
    """Return the settings of all sections for rows that are sounds."""
    heard, network = _heard(files), _network(files)
    return [
        Setting("prepare.rate", _rate(heard), f"samples a second in the cache; most files have {heard.rate}"),
        Setting("prepare.bad_sounds", *(("drop", _without(files)) if files.missing else ("error", USUAL))),
        *(Setting(f"model.{name}", *value) for name, value in network.items()),
        Setting("augment", AUGMENT, "Speed changes the voice too; Gain, Shift, Polarity, Equalize, SpecAugment: docs/sounds.md"),
        *_training(),
    ]


def sections_of_sounds_and_table(files: RowFiles, columns: dict[str, Any]) -> list[Setting]:
    """Return the settings for rows that are a sound and columns; `columns` says which of them are read otherwise than by their
    cells."""
    heard, network = _heard(files), _network(files)
    bad = {"bad_sounds": "blank"} if files.missing else {}
    return [
        Setting("prepare.sound", {"rate": _rate(heard), **bad}, _without(files) if bad else f"most files have {heard.rate}"),
        Setting("prepare.table", columns),
        Setting("model.sound", {name: value for name, (value, _) in network.items()}, network["seconds"][1]),
        Setting("model.table", {"hidden": [256, 128]}),
        Setting("model.head", {"hidden": [], "dropout": 0.1}, "on the features of both"),
        Setting("augment", AUGMENT, "Speed changes the voice too: docs/sounds.md has others"),
        *_training(),
    ]


def _network(files: RowFiles) -> dict[str, tuple[Any, str]]:
    """Return the settings of the spectrogram and the network, each with its reason."""
    heard = _heard(files)
    bands = FEW_BANDS if heard.rate <= LOW_RATE else MANY_BANDS
    return {
        "name": ("test_resnet", "any timm backbone; this one has 0.4 million parameters and is quick from scratch"),
        "pretrained": (False, "true starts from pretrained weights, of photos: recipe sound-finetune (docs/sounds.md)"),
        "seconds": (_window(heard), _in_words(heard)),
        "windows": (WINDOWS, "how many of them are read of a longer sound in prediction"),
        "mels": (bands, "the bands of frequencies of the spectrogram"),
    }


def _training() -> list[Setting]:
    return learning(epochs=30, batch_size=16, lr=0.004, weight_decay=0.05)


def _rate(heard: Heard) -> int:
    return min(heard.rate, MOST_RATE)


def _window(heard: Heard) -> float:
    """Return the seconds of a window that holds nearly all sounds whole, if they are short."""
    return float(np.clip(np.ceil(heard.longest * 10) / 10, 0.5, MOST_SECONDS))


def _in_words(heard: Heard) -> str:
    return f"the window; half of the sounds are at most {heard.median:.1f} s long, nearly all at most {heard.longest:.1f} s"


def _heard(files: RowFiles) -> Heard:
    """Look at the headers of some of the files; raises InputError where none can be read."""
    import soundfile

    paths = [path for name in files.paths if (path := files.root / name).is_file()]
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
