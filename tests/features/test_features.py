"""Features tried one at a time, on a small table whose answer two columns tell together."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML

from goldfold.cli.main import run_command
from goldfold.config import parse_config
from goldfold.config.recipe import with_appended
from goldfold.errors import InputError
from goldfold.features.candidates import default_candidates, named_candidates
from goldfold.features.trial import Trial, chosen_of, with_entries
from goldfold.modalities.table.features.entries import KINDS
from goldfold.prepare.apart import prepare_apart
from goldfold.training.features import KEPT_FOLDERS, features_folder

PARAMS = """# mine
competition: {path: data/raw/rows, modality: table, metric: accuracy}
split: {n_folds: 3, folds: [0, 1, 2]}
model: {name: linear, args: {C: 1.0}} # a line
prepare: {duplicates: keep}
runtime: {jobs: 1, threads: 1}
"""
PAIR = "{name: category, of: [[left, right]]}"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    draws, count = np.random.default_rng(0), 300
    table = pd.DataFrame({name: draws.choice(list("abc"), count) for name in ("left", "right", "noise")})
    same = (table["left"] == table["right"]).to_numpy()
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 9000, count), unit="h")
    words = draws.choice(["Smith, Ann of York", "Jones, Bob of Leeds", "Lee, Cy of Kent"], count)
    table = table.assign(
        n=draws.normal(size=count).round(3), m=draws.normal(size=count).round(3), fold=draws.integers(1, 9, count)
    )
    table = table.assign(when=day, title=[f"{word} {row}" for row, word in enumerate(words)])
    table.insert(0, "id", [f"r{row}" for row in range(count)])
    raw = tmp_path / "data/raw/rows"
    raw.mkdir(parents=True)
    table[:260].assign(y=np.where(same, "yes", "no")[:260]).to_csv(raw / "train.csv", index=False)
    table[260:].to_csv(raw / "test.csv", index=False)
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_default_list_has_each_kind_that_suits_the_columns(repository):
    prepared = prepare_apart(parse_config(YAML(typ="safe").load(PARAMS)), repository / "scratch")
    candidates = default_candidates(prepared)
    assert {entry["name"] for candidate in candidates for entry in candidate.entries} == set(KINDS)
    assert len({candidate.name for candidate in candidates}) == len(candidates)
    # Each can be made: prepare refuses what cannot.
    for candidate in candidates:
        tree = {**YAML(typ="safe").load(PARAMS), "prepare": {"features": list(candidate.entries)}}
        assert prepare_apart(parse_config(tree), repository / "scratch").train is not None
    counts = named_candidates(["count"], candidates)
    assert counts and all("count" in [entry["name"] for entry in each.entries] for each in counts)
    assert named_candidates([PAIR, PAIR], candidates)[0].entries == ({"name": "category", "of": [["left", "right"]]},)
    with pytest.raises(InputError, match="there is no kind of feature cuont; did you mean count"):
        named_candidates(["cuont"], candidates)


@pytest.mark.slow
def test_what_holds_up_is_told_with_its_interval_and_written(repository, capsys, monkeypatch):
    noise, wrong = "{name: count, of: noise}", "{name: count, of: nois}"
    run_command(["features", PAIR, noise, wrong, "--write", "--json"])
    out, said = capsys.readouterr()
    found = json.loads(out)
    pair, other, left_out = found["tried"]
    assert pair["holds_up"] and 0 < pair["low"] <= pair["gain"] <= pair["high"] and pair["score"] > found["score"]
    assert not other["holds_up"] and other["low"] <= 0 and "did you mean noise" in left_out["why"]
    assert found["chosen"] == [PAIR] and found["together"] is None and found["by_chance"] == pytest.approx(0.05)
    assert "would by chance alone" in said and "expect less of them on new rows" in said
    text = Path("params.yaml").read_text()
    assert "# mine" in text and "# a line" in text and f"- {PAIR} # accuracy {pair['score']:.5g}"[:50] in text
    assert parse_config(YAML(typ="safe").load(text)).prepare.features[0].of == (("left", "right"),)

    # What was tried is kept, whatever becomes of frozen networks' features.
    # What is in params.yaml now is what further candidates are compared with.
    with monkeypatch.context() as forbidden:
        for number in range(KEPT_FOLDERS + 1):
            features_folder(repository / ".goldfold", torch.nn.Linear(1, 1), number)
        forbidden.setattr("goldfold.features.trial.train_folds", None)
        run_command(["features", PAIR, "--json"])
    again = json.loads(capsys.readouterr().out)
    assert again["score"] == pair["score"] and again["tried"][0]["gain"] == 0 and not again["written"]


@pytest.mark.slow
def test_several_that_hold_up_are_tried_together(repository, capsys):
    target = "{name: target, of: [[left, right]]}"
    run_command(["features", PAIR, target, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [trial["holds_up"] for trial in found["tried"]] == [True, True] and len(found["together"]["entries"]) == 2
    assert len(found["chosen"]) == (2 if found["together"]["gain"] >= max(t["gain"] for t in found["tried"]) else 1)


@pytest.mark.slow
def test_where_none_can_be_made_it_is_an_error_with_the_reasons(repository):
    with pytest.raises(InputError, match=r"(?s)none of these can be made.*did you mean noise"):
        run_command(["features", "{name: count, of: nois}"])


def test_all_are_chosen_unless_the_best_alone_is_better():
    first, second = (Trial(name, gain=gain, low=low) for name, gain, low in (("a", 0.3, 0.1), ("b", 0.2, 0.1)))
    noise, together = Trial("c", gain=0.5, low=-0.1), Trial("all", gain=0.4, low=0.2)
    assert chosen_of([first, second, noise], together) == [first, second]
    assert chosen_of([second, first, noise], Trial("all", gain=0.25, low=-0.2)) == [first]
    assert chosen_of([first, noise], None) == [first] and chosen_of([noise], None) == []


def test_only_tables_have_features(repository):
    Path("params.yaml").write_text(PARAMS.replace("table", "text").replace("linear", "tfidf"))
    with pytest.raises(InputError, match="this competition is of texts"):
        run_command(["features"])


@pytest.mark.parametrize("before", ["prepare: {}\n", "prepare:\n", "", "prepare: {features: [{name: count, of: a}]} # old\n"])
def test_entries_are_written_beside_what_is_there(before):
    text = f"competition: {{path: x}} # where\n{before}train:\n  loss: null # its own\n"
    added = {"name": "count", "of": ["a b", ["x:y", "fold"]]}
    made = with_appended(text, "prepare.features", [(added, "rmse 1.2")])
    tree = YAML(typ="safe").load(text)
    assert YAML(typ="safe").load(made)["prepare"]["features"] == with_entries(tree, [added])
    assert "# where" in made and "loss: null # its own" in made and "# rmse 1.2" in made
