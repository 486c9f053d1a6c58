"""How fast a BiLSTM trains on texts whose lengths are spread as those of novels' sentences are."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import ours, rivals
from benchmarks.measure import Row, per_second, ratio, take_turns

ROWS, WORDS, WIDTH, BATCH = 1200, 8000, 128, 64
TEXTS: dict[str, Any] = {
    "competition": {"modality": "text", "metric": "log_loss"},
    "model": {"name": "bilstm", "embedding": WIDTH, "hidden": WIDTH},
    "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.05},
    "train": {"epochs": 100, "batch_size": BATCH, "workers": 0},
}


def write_competition(root: Path) -> None:
    """Write a competition of texts by three authors, words by Zipf's law and about 26 in a text, with some that are very long."""
    draws = np.random.default_rng(0)
    lengths = np.clip(draws.lognormal(3.1, 0.6, ROWS).astype(int), 2, 256)
    names = np.array([f"w{number}" for number in range(WORDS)])
    chances = 1 / np.arange(1, WORDS + 1)
    words = draws.choice(names, lengths.sum(), p=chances / chances.sum())
    texts = [" ".join(part) for part in np.split(words, lengths.cumsum()[:-1])]
    root.mkdir(parents=True)
    train = pd.DataFrame({"id": range(ROWS), "text": texts, "author": draws.choice(["EAP", "HPL", "MWS"], ROWS)})
    train.to_csv(root / "train.csv", index=False)
    train[:2].drop(columns="author").to_csv(root / "test.csv", index=False)


def text_epochs(folder: Path) -> list[Row]:
    """A training epoch with buckets, against the same without and against the tutorials' loop."""
    write_competition(folder / "data")
    prepared, _ = ours.prepared_set(folder, TEXTS)
    chosen = ours.precision(folder, TEXTS)
    plain = {**TEXTS, "train": {**TEXTS["train"], "bucket": False}}
    rows = prepared.training_rows(0)
    timed = take_turns(
        {
            "ours": partial(ours.training, folder, TEXTS),
            "plain": partial(ours.training, folder, plain),
            "tutorial": partial(rivals.text_training, folder / "data/train.csv", rows, BATCH, WIDTH),
        }
    )
    told = []
    for name, against in (("plain", "the same with plain padding"), ("tutorial", "the tutorials' loop, packed sequences")):
        found, count = ratio(timed[name], timed["ours"]), timed["ours"].result
        speeds = per_second(count, timed["ours"]), per_second(timed[name].result, timed[name])
        told.append(Row("epoch of a BiLSTM, in buckets", against, *speeds, found, "1.5 x", found >= 1.5, f"in {chosen}"))
    return told
