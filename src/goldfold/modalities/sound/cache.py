"""Every sound decoded once: resampled int16 in one memory-mapped file, of which a row is a part."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet, write_json
from goldfold.metrics import Array
from goldfold.modalities.sound.reading import Shipped, is_short, part_of, read_sound
from goldfold.modalities.sound.settings import SoundPrepareConfig
from goldfold.modalities.threads import in_order

WAVES, INDEX, CARD = "sounds.i16", "sounds.parquet", "sounds.json"
AHEAD = 4
CHUNK = 2**22
"""Samples that are hashed at once."""


class SoundCache:
    """The sound of each row, read-only: `cache[i]` is (samples,) int16 over the file's memory map.

    Three files: `sounds.i16`, the waves of one file after another; `sounds.parquet`, for each row the offset and the number of
    its samples there, its file's rate, channels and seconds as shipped, its size in `bytes`, and hashes of its file (`file`;
    empty where it was left blank) and of its samples (`content`); `sounds.json`, `rate` and the columns `start` and `end` of a
    row's times.
    """

    def __init__(self, folder: Path, index: pd.DataFrame, rate: int, start: str | None, end: str | None) -> None:
        self.folder, self.index, self.rate, self.start, self.end = folder, index, rate, start, end
        self.lengths = index["samples"].to_numpy()
        self._offsets = index["offset"].to_numpy()
        self._waves: Array | None = None

    @classmethod
    def load(cls, folder: Path) -> "SoundCache":
        """Open the cache in `folder`."""
        return cls(folder, read_parquet(folder / INDEX), **read_json(folder / CARD))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, position: int) -> Array:
        if self._waves is None:
            # Slicing a plain array costs a tenth of slicing a memmap.
            self._waves = np.memmap(self.folder / WAVES, dtype=np.int16, mode="r").view(np.ndarray)
        offset = self._offsets[position]
        return self._waves[offset : offset + self.lengths[position]]

    def __getstate__(self) -> dict[str, Any]:
        # A memory map pickles as a copy of the whole file: loader processes open their own.
        return {**self.__dict__, "_waves": None}


@dataclass(frozen=True)
class Parts:
    """The file of each row, and where in it the row begins and ends, in seconds; the end is NaN where it is the file's."""

    paths: Sequence[str]
    starts: Array
    ends: Array


def write_sound_cache(
    folder: Path,
    parts: Parts,
    config: SoundPrepareConfig,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda sounds, _: sounds,
) -> tuple[SoundCache, str, list[str]]:
    """Decode each file once and write the cache, whose rows are in the order of `parts`, to `folder`.

    Returns the cache, a hash of it, and a message for each row whose sound cannot be decoded; raises InputError for those if
    `bad_sounds` is error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, bad = _decode(folder / WAVES, list(dict.fromkeys(parts.paths)), config, progress)
    index, outside = _rows(files, parts, config.rate)
    bad += outside
    if bad and config.bad_sounds == "error":
        raise InputError(
            f"{len(bad)} sounds cannot be decoded",
            bad,
            "replace them, remove their rows, or set prepare.bad_sounds: blank to replace them by silence, or drop to leave "
            "these training rows out",
        )
    card: dict[str, Any] = {"rate": config.rate, "start": config.start, "end": config.end}
    write_json(folder / CARD, card)
    cache = SoundCache(folder, index, **card)
    cache.index["content"] = pd.Series([_hash(cache[row]) for row in range(len(cache))], dtype="str")
    index.to_parquet(folder / INDEX)
    digest = hashlib.blake2b("".join([str(config.rate), *index["content"]]).encode(), digest_size=16)
    return cache, digest.hexdigest(), bad


def _decode(
    target: Path,
    paths: Sequence[str],
    config: SoundPrepareConfig,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
) -> tuple[pd.DataFrame, list[str]]:
    """Write the waves of `paths`, one after another, to `target`; return a line for each file, and what is wrong with bad ones.

    Threads decode short files, as libsndfile releases the GIL; long ones are written block by block. Memory is bounded, and the
    file depends on the sounds alone.
    """
    rows: list[dict[str, Any]] = []
    bad: list[str] = []
    offset = 0
    with target.open("wb") as waves:
        sounds = in_order(lambda path: _short(Path(path), config.rate), paths, config.workers or os.cpu_count() or 1, AHEAD)
        for path, sound in zip(paths, progress(sounds, len(paths)), strict=True):
            blocks, read = sound
            samples = 0
            try:
                if isinstance(read, str):
                    raise ValueError(read)
                blocks, shipped = (blocks, read) if blocks is not None else read_sound(Path(path), config.rate)
                for block in blocks:
                    waves.write(block.tobytes())
                    samples += len(block)
            except (OSError, ValueError) as error:
                bad.append(f"{path}: {error}")
                samples, shipped = 0, Shipped(0, 0, 0)
                waves.truncate(waves.seek(offset * 2))
            hashed, size = ("", 0) if not samples else _hash_of(Path(path))
            seconds = shipped.samples / max(shipped.rate, 1)
            rows.append(
                {"offset": offset, "samples": samples, "rate": shipped.rate, "channels": shipped.channels}
                | {"seconds": seconds, "bytes": size, "file": hashed}
            )
            offset += samples
        # A file of no bytes cannot be mapped.
        waves.write(bytes(2) if not offset else b"")
    return pd.DataFrame(rows, index=pd.Series(paths, dtype="str")).astype({"file": "str"}), bad


def _short(path: Path, rate: int) -> tuple[list[Array] | None, Shipped | str]:
    """Return the blocks of a short file and its facts; no blocks of a long one, and what is wrong with one that is bad."""
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        if not is_short(path):
            return None, Shipped(0, 0, 0)
        blocks, shipped = read_sound(path, rate)
        return list(blocks), shipped
    except (OSError, ValueError) as error:
        return [], str(error)


def _rows(files: pd.DataFrame, parts: Parts, rate: int) -> tuple[pd.DataFrame, list[str]]:
    """Return the part of its file that each row is, and what is wrong with rows whose times are not in it."""
    index = files.loc[list(parts.paths)].reset_index(names="path")
    length = index["samples"].to_numpy()
    times = zip(length.tolist(), parts.starts, parts.ends, strict=True)
    reaches = [part_of(count, start, end, rate) for count, start, end in times]
    start, end = np.array(reaches).T
    outside = (length > 0) & (end <= start)
    bad = [
        f"{index['path'][row]}: it has {index['seconds'][row]:.2f} s, none of it between {parts.starts[row]:g} and "
        f"{parts.ends[row]:g} s"
        for row in np.flatnonzero(outside).tolist()
    ]
    samples = np.where(length > 0, end - start, 0).clip(0)
    index.loc[samples == 0, "file"] = ""
    return index.assign(offset=index["offset"] + np.where(samples > 0, start, 0), samples=samples), bad


def _hash(samples: Array) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for start in range(0, len(samples), CHUNK):
        digest.update(samples[start : start + CHUNK].tobytes())
    return digest.hexdigest()


def _hash_of(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32], path.stat().st_size
