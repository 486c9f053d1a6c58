"""How fast a small network trains on recordings: from the cache, with the spectrogram in the network, against the usual loop.

`python -m benchmarks.sounds` prints it, and writes benchmarks/sounds.md.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import timm
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks import ours
from benchmarks.measure import Row, per_second, ratio, table, take_turns
from goldfold.files import written_whole
from goldfold.modalities.sound.spectrogram import LogMel

RESULTS = Path(__file__).parent / "sounds.md"
ROWS, SHIPPED, RATE, BATCH, CLASSES = 128, 44_100, 16_000, 32, 4
LENGTH, SECONDS, MELS, FRAME, HOP = 5.0, 1.0, 64, 0.032, 0.016
"""Seconds of a recording and of the window that is read of it, and the spectrogram of the window."""
NETWORK = "test_resnet"
SOUNDS: dict[str, Any] = {
    "competition": {"modality": "sound", "metric": "accuracy"},
    "prepare": {"rate": RATE, "audit": "off"},
    "model": {"name": NETWORK, "seconds": SECONDS, "mels": MELS, "frame": FRAME, "hop": HOP},
    "augment": [{"name": "Gain", "p": 1.0}],
    "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.05},
    "train": {"epochs": 100, "batch_size": BATCH, "workers": 0, "precision": "fp32"},
}
HEADER = ["what", "against", "goldfold", "rival", "ratio", "at least", "met", "note"]


def write_competition(root: Path) -> None:
    """Write recordings of noise, as FLAC files of 44,100 Hz in two channels, as shops of sounds ship them."""
    draws = np.random.default_rng(0)
    (root / "audio").mkdir(parents=True)
    for row in range(ROWS):
        noise = 0.1 * np.cumsum(draws.normal(size=(int(LENGTH * SHIPPED), 2)), axis=0) % 1.0 - 0.5
        soundfile.write(root / "audio" / f"{row}.flac", noise, SHIPPED)
    rows = pd.DataFrame({"id": range(ROWS), "label": [f"c{row % CLASSES}" for row in range(ROWS)]})
    rows.to_csv(root / "train.csv", index=False)
    rows[:2].drop(columns="label").to_csv(root / "test.csv", index=False)


class Recordings(Dataset[tuple[torch.Tensor, int]]):
    """The usual data set: each item opens its file, takes a random second, resamples it, and makes its spectrogram."""

    def __init__(self, root: Path, rows: list[int]) -> None:
        self.root, self.rows = root, rows
        self.spectrogram = LogMel(RATE, MELS, FRAME, HOP, 20.0, RATE / 2)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        from scipy.signal import resample_poly

        row = self.rows[position]
        path, window = self.root / "audio" / f"{row}.flac", int(SECONDS * SHIPPED)
        start = int(torch.randint(int(LENGTH * SHIPPED) - window, (1,)))
        wave, _ = soundfile.read(path, frames=window, start=start, dtype="float32")
        mono = resample_poly(wave.mean(axis=1), RATE, SHIPPED)[: int(SECONDS * RATE)].astype(np.float32)
        return self.spectrogram(torch.from_numpy(mono)[None] * 32768)[0], row % CLASSES


def usual_training(root: Path, rows: list[int], workers: int) -> Callable[[], int]:
    """An epoch of the usual loop; returns the rows seen."""
    batches = DataLoader(Recordings(root, rows), BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    net = timm.create_model(NETWORK, in_chans=1, num_classes=CLASSES)
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.AdamW(net.parameters(), lr=0.001)

    def run() -> int:
        seen = 0
        net.train()
        for spectrograms, labels in batches:
            optimizer.zero_grad()
            criterion(net(spectrograms[:, None]), labels).backward()
            optimizer.step()
            seen += len(labels)
        return seen

    return run


def sound_epochs(folder: Path) -> list[Row]:
    """A training epoch against the usual loop of the same network, without loader processes and with two."""
    write_competition(folder / "data")
    prepared, _ = ours.prepared_set(folder, SOUNDS)
    rows = prepared.training_rows(0).tolist()
    usual = {f"{workers} loaders": partial(usual_training, folder / "data", rows, workers) for workers in (0, 2)}
    timed = take_turns({"ours": partial(ours.training, folder, SOUNDS), **usual}, rounds=3)
    told = []
    for name in usual:
        found = ratio(timed[name], timed["ours"])
        speeds = per_second(timed["ours"].result, timed["ours"]), per_second(timed[name].result, timed[name])
        what = f"epoch of {NETWORK} on windows of {SECONDS:g} s"
        note = "" if name.startswith("0") else "three processes against one, which counts where others want the cores"
        told.append(Row(what, f"soundfile in a DataLoader, {name}", *speeds, found, "1.5 x", found >= 1.5, note))
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = sound_epochs(Path(folder))
    cells = table([HEADER, *(row.cells() for row in rows)])
    load = f"{os.getloadavg()[1]:.1f} processes wanted the {os.cpu_count()} cores meanwhile"
    text = (
        f"# Sounds\n\nWritten by `python -m benchmarks.sounds`: {ROWS} FLAC files of {LENGTH:g} s, {SHIPPED:,} Hz, two channels, "
        f"read at {RATE:,} Hz; the median of 3 rounds in turns, fp32, both with the same spectrogram. {load}.\n\n{cells}\n"
    )
    with written_whole(RESULTS) as draft:
        draft.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
