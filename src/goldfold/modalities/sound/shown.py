"""Sounds as people see and hear them: a spectrogram and a short player."""

import io

import cv2
import numpy as np
import soundfile
import torch

from goldfold.metrics import Array
from goldfold.modalities.protocol import Spec
from goldfold.modalities.sound.cache import SoundCache
from goldfold.modalities.sound.spectrogram import LogMel
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part

MOST_SECONDS, MOST_RATE = 4.0, 16_000
"""How much of a sound is played, from its middle, and at which rate at most: a page holds many."""
MELS, FRAME, HOP = 64, 0.032, 0.016
RANGE = 2.5
"""Standard deviations of a spectrogram from black to white, to each side of its mean."""


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the spectrogram and a player of each row's sound, of its middle where it is long."""
    sounds = SoundCache.load(prepared.folder)
    first = 0 if part == "train" else len(prepared.train)
    return [_shown(sounds[first + row], sounds.rate) for row in rows]


def _shown(wave: Array, rate: int) -> Shown:
    most = int(MOST_SECONDS * rate)
    start = max(0, (len(wave) - most) // 2)
    heard = wave[start : start + most]
    if not len(heard):
        return Shown(text="silence: the sound could not be read")
    values = {"seconds": f"{len(wave) / rate:.2f}"}
    return Shown(picture=spectrogram(heard, rate), sound=_as_file(heard, rate), values=values)


def spectrogram(wave: Array, rate: int) -> Array:
    """Return the log-mel spectrogram of a wave as a picture (mels, frames, 3) uint8, the low frequencies below."""
    levels = LogMel(rate, MELS, FRAME, HOP, 20.0, rate / 2)(torch.from_numpy(wave.copy())[None])[0].flip(0).numpy()
    grey = np.rint((levels / RANGE + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB))


def _as_file(wave: Array, rate: int) -> bytes:
    """Return a wave as the content of a small FLAC file, of every so many samples where its rate is high."""
    step = -(-rate // MOST_RATE)
    content = io.BytesIO()
    soundfile.write(content, wave[::step], rate // step, format="FLAC", subtype="PCM_16")
    return content.getvalue()
