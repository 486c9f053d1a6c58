"""Small competitions of tables and of texts."""

import numpy as np
import pandas as pd
import pytest
from tests.modalities.texts import prepared_of, write_stories

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.prepare import PreparedSet, prepare


def rows_of(count, seed):
    """Columns of every kind; the answer depends on a number, a category and a date."""
    draws = np.random.default_rng(seed)
    number, category = draws.normal(size=count), draws.choice(["low", "mid", "top"], count)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 700, count), unit="D")
    answer = number + (category == "top") * 2 - 0.5 + 0.3 * draws.normal(size=count) > 0
    return pd.DataFrame(
        {
            "id": [f"r{seed}-{row}" for row in range(count)],
            "number": np.where(draws.random(count) < 0.1, np.nan, number.round(4)),
            "category": category,
            "flag": draws.choice(["yes", "no"], count),
            "when": when.strftime("%Y-%m-%d"),
            "ticket": [f"T{value}" for value in draws.permutation(10 * count)[:count]],
            "remark": [f"remark number {value} on this row" for value in draws.permutation(10 * count)[:count]],
            "always": "same",
            "count": np.arange(1, count + 1),
            "answer": answer.astype(int),
        }
    )


@pytest.fixture(scope="session")
def table_root(tmp_path_factory):
    """A binary competition of 240 training rows with columns of every kind."""
    root = tmp_path_factory.mktemp("table") / "rows"
    root.mkdir()
    rows_of(240, 0).assign(leak=1.0).to_csv(root / "train.csv", index=False)
    test = rows_of(60, 1).drop(columns="answer")
    test.loc[0, "category"] = "never seen"
    test.to_csv(root / "test.csv", index=False)
    test[["id"]].assign(answer=[0, 1] * 30).to_csv(root / "sample_submission.csv", index=False)
    return root


@pytest.fixture(scope="session")
def prepared_with(tmp_path_factory):
    """The config of some sections, and what prepare makes of their competition, in 3 folds."""

    def build(root, **sections):
        competition = {"path": str(root), "modality": "table", **sections.get("competition", {})}
        train = {"epochs": 2, "batch_size": 32, "precision": "fp32", "workers": 0, **sections.get("train", {})}
        tree = {"split": {"n_folds": 3, "folds": [0, 1, 2]}, **sections, "competition": competition, "train": train}
        config = parse_config(tree)
        prepared, summary = prepare(
            read_competition(config.competition, config.prepare),
            config.split,
            config.prepare,
            tmp_path_factory.mktemp("p") / "prepared",
        )
        return config, prepared, summary

    return build


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories")
    prepared, _ = prepared_of(write_stories(folder / "data"), folder / "prepared")
    return PreparedSet.load(prepared.folder)
