"""A competition of texts, and settings to train on it quickly."""

import numpy as np
import pandas as pd

from goldfold.competition import read_competition
from goldfold.config import CompetitionConfig, SplitConfig, parse_config
from goldfold.modalities.text.settings import TextPrepareConfig
from goldfold.prepare import prepare

SMALL = {"embedding": 8, "hidden": 8, "dropout": 0.1}
WORDS = {"sea": ["ship", "wave", "salt", "harbour", "crew"], "sky": ["cloud", "bird", "wing", "storm", "blue"]}


def write_stories(root, rows=120, **columns):
    """Texts of very different lengths, whose words tell the class, as a competition ships them."""
    draws = np.random.default_rng(0)
    root.mkdir()
    labels = [("sea", "sky")[row % 2] for row in range(rows)]
    texts = []
    for label in labels:
        words = draws.choice([*WORDS[label], "the", "a", "of"], int(draws.lognormal(2, 0.7)) + 3)
        texts.append(" ".join(words))
    table = pd.DataFrame({"id": [f"r{row}" for row in range(rows)], "place": draws.choice(["x", "y"], rows), "story": texts})
    table.loc[0, "story"] = 'A ship, "quoted", and\na second line of wave; naïve – 海'
    table.loc[1, "story"] = None
    test = table[:10].assign(id=[f"t{row}" for row in range(10)], story="the zeppelin zeppelin of a harbour")
    table.assign(**{"label": labels, **columns}).to_csv(root / "train.csv", index=False)
    test.to_csv(root / "test.csv", index=False)
    return root


def prepared_of(root, folder, competition=None, **settings):
    read = read_competition(CompetitionConfig(path=str(root), modality="text", **{"target": "label", **(competition or {})}))
    return prepare(read, SplitConfig(n_folds=3, folds=(0, 1, 2)), TextPrepareConfig(**settings), folder)


def text_config(model=None, augment=(), **train):
    tree = {
        "competition": {"path": "x", "modality": "text"},
        "model": {**SMALL, **(model or {})} if (model or {}).get("name", "bilstm") == "bilstm" else model,
        "augment": list(augment),
        "train": {"epochs": 3, "lr": 0.02, "batch_size": 16, "workers": 0, "precision": "fp32", **train},
    }
    return parse_config(tree)
