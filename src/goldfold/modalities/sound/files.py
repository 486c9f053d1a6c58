"""The files of sounds: what libsndfile reads."""

import re

from goldfold.competition.file_kind import FileKind

FILES = FileKind(
    name="sound",
    usual=".wav",
    suffixes=frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".w64"}),
    others=frozenset({".m4a", ".aac", ".wma", ".webm", ".mp4", ".amr", ".ra", ".mid", ".midi", ".ape", ".wv"}),
    begins=re.compile(rb"RIFF....WAVE|fLaC|OggS|ID3|\xff[\xfb\xf3\xf2]|FORM....AIF|\.snd", re.DOTALL),
    blank="silence",
)
