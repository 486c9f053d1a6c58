"""What the documents show, works."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from goldfold.config import STEPS, PredictConfig, parse_config, parse_sweep
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.inference.steps import KINDS
from goldfold.metrics import METRICS, find_metric
from goldfold.modalities.table.features.entries import KINDS as FEATURES
from goldfold.modalities.table.features.own import Own
from goldfold.training import train_fold

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)


@pytest.mark.slow
def test_the_network_and_the_loss_of_the_example_train(digits, tmp_path, own_code):
    nets, losses = blocks("own-modules.md", "python")
    for name, code in (("example_nets", nets), ("example_losses", losses)):
        (own_code / f"{name}.py").write_text(code)
    (shown,) = blocks("own-modules.md", "yaml")
    tree = YAML(typ="safe").load(shown.replace("own.nets", "own.example_nets").replace("own.losses", "own.example_losses"))
    tree["train"] |= {"epochs": 10, "lr": 0.01, "batch_size": 20, "workers": 0}
    result = train_fold(digits, 0, 0, parse_config({"competition": {"path": "x"}, **tree}), tmp_path / "fold")
    losses = list(result.history["train_loss"])
    assert losses[-1] < losses[0] - 0.3 and result.config.train.loss.args == {"q": 0.5}
    assert result.weights["backbone.features.0.weight"].shape[0] == 8


def test_the_feature_of_the_example_is_made(own_code):
    (code,) = blocks("features.md", "python")
    (own_code / "example_features.py").write_text(code)
    _, shown = blocks("features.md", "yaml")
    (entry,) = YAML(typ="safe").load(shown)["prepare"]["features"]
    frame = pd.DataFrame({"Fare": [1.0, 2.0, 3.0, 4.0, 50.0], "Pclass": [3.0, 3.0, 3.0, 3.0, 1.0]})
    made = Own(**{**entry, "name": entry["name"].replace("own.features", "own.example_features")})
    learned = made.learn(frame, frame["Fare"].to_numpy(), None)
    assert made.make(frame, learned)["cheap"].tolist() == [1, 0, 0, 0, 0]


def test_every_kind_of_feature_is_told():
    rows = re.findall(r"^\| (`.*?`) \|", (DOCS / "features.md").read_text(), flags=re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([\w.:]+)`", row)}
    assert told == {*FEATURES, "name", "own.file:Name"}


@pytest.mark.parametrize("page", ["../README.md", *sorted(path.name for path in DOCS.glob("*.md"))])
def test_settings_that_a_page_shows_exist(page):
    for shown in blocks(page, "yaml"):
        tree = YAML(typ="safe").load(shown)
        of_images = "modality" not in tree.get("competition", {})
        model = {**({"name": "x"} if of_images else {}), **tree.pop("model", {})}
        search = tree.pop("sweep", None)
        whole = {"competition": {"path": "x"}, **tree, "model": model}
        parse_config(whole)
        if search:
            parse_sweep(search, whole, page)


@pytest.mark.slow
def test_the_transforms_for_test_time_augmentation_change_the_images(digits, settings, tmp_path):
    table = (DOCS / "squeeze.md").read_text().partition("| flips |")[2].partition("\n\n")[0].replace("224", "6")
    changes = [YAML(typ="safe").load(shown) for shown in re.findall(r"`(\{.*?\})`", table)]
    assert len(changes) == 8
    fold, rows = train_fold(digits, 0, 0, settings(epochs=1), tmp_path), digits.validation_rows(0)
    plain, *changed = predict_fold(fold, PreparedRows(digits, "train", rows), PredictConfig(tta=changes))
    assert not any(np.allclose(plain, each) for each in changed)


def test_every_metric_and_step_is_told():
    text = (DOCS / "metrics.md").read_text()
    metrics, _, rest = text.partition("## Forms of the answer")
    rows = [line for line in metrics.splitlines() if line.startswith("| `")]
    told = {name: mark == "↑" for row in rows for name, mark in re.findall(r"`(\w+)` ([↑↓])", row)}
    assert told == {metric.name: metric.maximize for metric in METRICS.values()}
    assert str(len(METRICS)) in (DOCS.parent / "README.md").read_text()
    for row in rows:
        for name in re.findall(r"`(\w+)` [↑↓]", row):
            assert METRICS[name].needs == row.split("|")[2].strip(), name
    steps = rest.partition("## Post-processing")[2]
    assert set(KINDS) == set(STEPS) == set(re.findall(r"^\| `(\w+)` \|", steps, flags=re.MULTILINE))


def test_the_metric_of_the_example_scores(own_code):
    (code,) = blocks("metrics.md", "python")
    (own_code / "example_metrics.py").write_text(code)
    metric = find_metric("own.example_metrics:mine", "regression", {"quantile": 0.9})
    assert metric.score("regression", np.array([1.0, 1.0]), np.array([0.0, 2.0]), quantile=0.9) == pytest.approx(0.5)


def test_each_page_is_linked_from_the_readme():
    readme = (DOCS.parent / "README.md").read_text()
    assert all(f"docs/{path.name}" in readme for path in DOCS.glob("*.md"))
