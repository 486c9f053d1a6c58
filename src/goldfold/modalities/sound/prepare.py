"""The sounds of a prepared set."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Decision
from goldfold.competition.tables import require_columns
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.sound.cache import Parts, SoundCache, write_sound_cache
from goldfold.modalities.sound.settings import SoundPrepareConfig
from goldfold.prepare import Gathered


def gather(
    competition: Competition,
    config: SoundPrepareConfig,
    folder: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
    scratch: Path | None,
) -> Gathered:
    """Find the sound of each row and write the cache of all sounds, training rows first, to `folder`."""
    rows = competition.row_files()
    if config.bad_sounds == "error":
        rows.require_all()
    parts = parts_of(competition, config, [f"{competition.root}/{name}" for name in rows.paths])
    sounds, digest, bad = write_sound_cache(folder, parts, config, progress)
    heard = sounds.index[sounds.index["file"] != ""]
    if heard.empty:
        raise InputError("none of the sounds can be decoded", bad, "replace them")
    seconds = heard["samples"] / config.rate
    megabytes = 2 * int(heard["samples"].sum()) / 1e6
    description = f"sounds of {seconds.min():.2f} to {seconds.max():.2f} s at {config.rate} Hz ({megabytes:.1f} MB cached)"
    decisions = (*rows.decisions, *_shipped(sounds))
    return Gathered(
        digest, description, decisions, tuple(bad), _dropped(competition, sounds) if config.bad_sounds == "drop" else ()
    )


def parts_of(competition: Competition, config: SoundPrepareConfig, paths: list[str]) -> Parts:
    """Return the part of its file that each row is, training rows first; raises InputError for times that are no numbers."""
    tables = [table for table in (competition.train, competition.test) if len(table)]
    for table in tables:
        require_columns(table.columns, [name for name in (config.start, config.end) if name], "a table", "prepare")
    starts, ends = (_times(tables, name, len(paths)) for name in (config.start, config.end))
    return Parts(paths, np.nan_to_num(starts), ends)


def _times(tables: list[pd.DataFrame], column: str | None, count: int) -> Array:
    if column is None:
        return np.full(count, np.nan)
    values = pd.concat([table[column] for table in tables], ignore_index=True)
    if not pd.api.types.is_numeric_dtype(values):
        raise InputError(f"{column} holds no numbers, but is where rows begin or end", mend="give a column of seconds")
    return values.to_numpy(np.float64, na_value=np.nan)


def _shipped(sounds: SoundCache) -> list[Decision]:
    """What was shipped in another form than it is cached in."""
    files = sounds.index[sounds.index["file"] != ""].drop_duplicates("path")
    rates = files["rate"].value_counts()
    decisions = []
    if len(rates) > 1 or rates.index[0] != sounds.rate:
        counts = ", ".join(f"{count} of {rate} Hz" for rate, count in rates.items())
        decisions.append(Decision("sounds: resampled", f"{sounds.rate} Hz", f"files have {counts}"))
    if mixed := int((files["channels"] > 1).sum()):
        decisions.append(Decision("sounds: mixed", "one channel", f"{mixed} of {len(files)} files have several"))
    return decisions


def _dropped(competition: Competition, sounds: SoundCache) -> tuple[int, ...]:
    """Return the training rows whose sound was left blank."""
    blank = sounds.index["file"][: len(competition.train)] == ""
    return tuple(blank.to_numpy().nonzero()[0].tolist())
