"""Small made recordings: tones of two pitches, each by several speakers."""

import numpy as np
import pandas as pd
import soundfile

RATE = 8000


def tone(pitch, seconds, seed, rate=RATE):
    """A tone that wavers, fades in and out, with noise, (samples,) float32."""
    draws, count = np.random.default_rng(seed), int(seconds * rate)
    wavering = np.interp(np.arange(count) / rate, np.arange(20) / 20, 1 + 0.2 * draws.normal(size=20))
    wave = np.sin(2 * np.pi * np.cumsum(pitch * wavering) / rate) * np.hanning(count)
    return (0.3 * wave + 0.01 * draws.normal(size=count)).astype(np.float32)


def write_tones(root, rows=60, test_rows=12, suffix=".wav"):
    """A competition of high and low tones; every fourth is long, and the test rows are of a speaker that training lacks."""
    (root / "audio").mkdir(parents=True)
    kinds = np.arange(rows + test_rows) % 2
    ids = [f"s{row:03d}" for row in range(rows + test_rows)]
    for row, (name, kind) in enumerate(zip(ids, kinds, strict=True)):
        wave = tone(1500 if kind else 500, 1.3 if row % 4 == 3 else 0.3 + 0.02 * (row % 5), row)
        soundfile.write(root / "audio" / f"{name}{suffix}", wave, RATE)
    table = pd.DataFrame({"id": ids, "speaker": [f"p{row // 2 % 4}" for row in range(rows + test_rows)]})
    table.loc[rows:, "speaker"] = "new"
    table[:rows].assign(pitch=np.where(kinds[:rows], "high", "low")).to_csv(root / "train.csv", index=False)
    table[rows:].to_csv(root / "test.csv", index=False)
    table.loc[rows:, ["id"]].assign(pitch=["low", "high"] * (test_rows // 2)).to_csv(root / "sample_submission.csv", index=False)
    return root
