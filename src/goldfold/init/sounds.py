"""The sections for sounds: their rate, windows and spectrogram, the network and how it is trained."""

from typing import Any, NamedTuple

import numpy as np

from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.setting import Setting, remark
from goldfold.init.sound_parts import Times
from goldfold.init.training import learning

LOOKED_AT = 300
MOST_RATE, MOST_SECONDS = 32_000, 5.0
FEW_BANDS, MANY_BANDS, LOW_RATE = 48, 64, 11_025
WINDOWS = 8
PARTS = "the columns of seconds that say which part of its file a row is"
USUAL = "or blank, or drop the row, where a sound is missing or bad"
AUGMENT = [
    {"name": "Speed", "low": 0.75, "high": 1.33, "p": 0.9},
    {"name": "Noise", "low": 10.0, "high": 40.0, "p": 0.5},
]


class Heard(NamedTuple):
    """What some sounds have: the median of their rates, the lowest and the highest, and the seconds that half and nearly all of
    the rows do not exceed."""

    rate: int
    rates: tuple[int, int]
    median: float
    longest: float


def sections_of_sounds(files: RowFiles, times: Times | None) -> list[Setting]:
    """Return the settings of all sections for rows that are sounds, or parts of them by `times`."""
    heard = _heard(files, times)
    network = _network(heard)
    return [
        Setting("prepare.rate", _rate(heard), f"samples a second in the cache; {_of_files(heard)}"),
        *(Setting(f"prepare.{name}", column, PARTS) for name, column in _columns(times).items()),
        *_whole(files, times),
        Setting("prepare.bad_sounds", *(("drop", files.without()) if files.missing else ("error", USUAL))),
        *(Setting(f"model.{name}", *value) for name, value in network.items()),
        Setting("augment", AUGMENT, "Speed changes the voice too; Gain, Shift, Polarity, Equalize, SpecAugment: docs/sounds.md"),
        *_training(),
    ]


def sections_of_sounds_and_table(files: RowFiles, columns: dict[str, Any], times: Times | None) -> list[Setting]:
    """Return the settings for rows that are a sound, or a part of it by `times`, and columns; `columns` says which of them are
    read otherwise than by their cells."""
    heard = _heard(files, times)
    network = _network(heard)
    bad = {"bad_sounds": "blank"} if files.missing else {}
    why = "; ".join([_of_files(heard), *([PARTS] if times else []), *([files.without()] if bad else [])])
    return [
        Setting("prepare.sound", {"rate": _rate(heard), **_columns(times), **bad}, why),
        *_whole(files, times),
        Setting("prepare.table", columns),
        Setting("model.sound", {name: value for name, (value, _) in network.items()}, network["seconds"][1]),
        Setting("model.table", {"hidden": [256, 128]}),
        Setting("model.head", {"hidden": [], "dropout": 0.1}, "on the features of both"),
        Setting("augment", AUGMENT, "Speed changes the voice too: docs/sounds.md has others"),
        *_training(),
    ]


def _columns(times: Times | None) -> dict[str, str]:
    return {"start": times.start, "end": times.end} if times else {}


def _whole(files: RowFiles, times: Times | None) -> list[Setting]:
    """A remark where rows share a file and nothing says which part of it each is."""
    if times or len(set(files.paths)) == len(files.paths):
        return []
    count = len(files.paths) - len(set(files.paths))
    return [remark("prepare", f"{count} rows hear the same file as another, whole: start and end can name columns of seconds")]


def _network(heard: Heard) -> dict[str, tuple[Any, str]]:
    """Return the settings of the spectrogram and the network, each with its reason."""
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


def _of_files(heard: Heard) -> str:
    low, high = heard.rates
    return f"files have {low}" if low == high else f"files have {low} to {high}, and half of them at most {heard.rate}"


def _heard(files: RowFiles, times: Times | None) -> Heard:
    """Look at the headers of some of the files, and at the times of rows; raises InputError where no file can be read."""
    import soundfile

    paths = [path for name in files.paths if (path := files.root / name).is_file()]
    some = [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(len(paths), LOOKED_AT))]
    rates, seconds = [], []
    for path in some:
        try:
            info = soundfile.info(path)
        except (soundfile.SoundFileError, OSError):
            continue
        rates.append(info.samplerate)
        seconds.append(info.duration)
    if not seconds:
        raise InputError(
            f"none of {len(some)} sounds can be read", [str(path) for path in some], "replace them: they seem damaged"
        )
    lengths = times.seconds if times else seconds
    middle = int(np.quantile(rates, 0.5, method="lower"))
    return Heard(middle, (min(rates), max(rates)), float(np.median(lengths)), float(np.quantile(lengths, 0.95)))
