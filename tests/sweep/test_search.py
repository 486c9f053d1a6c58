"""A search, on a small table."""

import shutil
from pathlib import Path

import pytest
from tests.modalities.conftest import rows_of

from goldfold.cli.main import run_command
from goldfold.competition import read_competition
from goldfold.config import parse_config, parse_sweep
from goldfold.engines.cluster import Cluster
from goldfold.errors import InputError
from goldfold.prepare import prepare
from goldfold.sweep import Search
from goldfold.sweep.search import STUDY
from goldfold.tracking.store import Store
from goldfold.training.reporter import Silent

pytestmark = pytest.mark.slow

SPACE = {"model.args.C": {"low": 0.01, "high": 10.0, "log": True}, "model.rare": {"low": 1, "high": 9}}
MLP = {"name": "mlp", "hidden": [8], "periodic": 0}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("sweep") / "rows"
    root.mkdir()
    rows_of(200, 0).to_csv(root / "train.csv", index=False)
    rows_of(20, 1).drop(columns="answer").to_csv(root / "test.csv", index=False)
    return {
        "competition": {"path": str(root), "modality": "table", "metric": "accuracy"},
        "split": {"n_folds": 2, "folds": [0, 1]},
        "model": {"name": "linear", "args": {"C": 1.0}},
        "train": {"epochs": 4, "batch_size": 64, "precision": "fp32", "workers": 0, "lr": 0.01},
        "runtime": {"jobs": 1, "threads": 1},
    }


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    config = parse_config(tree)
    return prepare(read_competition(config.competition), config.split, config.prepare, tmp_path_factory.mktemp("p") / "set")[0]


@pytest.fixture
def search_in(tree, prepared):
    def build(folder, model=None, jobs=1, **settings):
        here = {**tree, "model": model or tree["model"], "runtime": {"jobs": jobs, "threads": 1}}
        sweep = parse_sweep({"trials": 4, "space": SPACE, **settings}, here, "a.yaml")
        return Search(sweep, here, prepared, folder / "study", folder / "scratch")

    return build


class Recorder:
    """An observer that keeps the results, and stops the search within a trial when training has asked so often whether to."""

    def __init__(self, stop_in=None, asked=9):
        self.trials, self.stop_in, self.now, self.left = [], stop_in, None, asked

    def started(self, name, values):
        self.now = name

    def ended(self, result, best):
        self.trials.append(result)

    def stop(self):
        self.left -= self.now == self.stop_in
        return "interrupted" if self.left <= 0 else None


def summary(search):
    return [(result.name, result.values, result.state, result.score, result.folds, result.why) for result in search.results()]


def test_a_search_that_was_stopped_goes_on_to_the_trials_of_one_that_was_not(search_in, tmp_path):
    space = {"train.lr": {"low": 1e-5, "high": 0.05, "log": True}, "model.dropout": {"low": 0.0, "high": 0.5}}
    settings = {"model": MLP, "trials": 3, "space": space, "prune": {"trials": 1, "after": 0.8}}
    whole, parts = search_in(tmp_path / "whole", **settings), tmp_path / "parts"
    whole.run(Silent(), [Recorder()], lambda: None)
    stopped = Recorder("trial 2")
    with pytest.raises(KeyboardInterrupt, match="trial 2 is saved"):
        search_in(parts, **settings).run(Silent(), [stopped], stopped.stop)
    assert stopped.trials[-1].state == "stopped" and stopped.trials[-1].seconds > 0
    again = search_in(parts, **settings)
    assert len(again.study.get_trials()[2].intermediate_values) == 2
    again.run(Silent(), [Recorder()], lambda: None)
    assert summary(again) == summary(whole) and [result.name for result in whole.results()] == [
        "default",
        *(f"trial {n}" for n in range(1, 4)),
    ]
    assert again.spent > 0

    # Folds that are trained at once are judged as those that are trained one by one.
    at_once = search_in(tmp_path / "at once", jobs=2, **settings)
    at_once.run(Silent(), [Recorder()], lambda: None)
    assert summary(at_once) == summary(whole) and "pruned" in {result.state for result in whole.results()}

    best = whole.best()
    assert best.score == max(result.score for result in whole.results() if result.state == "complete")
    assert whole.cross_validation(best).scores.score == best.score and len(whole.cross_validation(best).scores.folds) == 2
    # What is kept of trainings is the default's and the best one's.
    assert len(list((tmp_path / "whole/scratch/states").glob("*/result"))) == 2 * len({"default", best.name})
    # A larger budget goes on with the same study.
    more = search_in(parts, **{**settings, "trials": 4})
    recorder = Recorder()
    more.run(Silent(), [recorder], lambda: None)
    assert [result.name for result in recorder.trials] == ["trial 4"]


def test_trials_that_are_worse_than_most_end_early(search_in, tmp_path):
    space, prune = {"train.lr": [1e-6, 0.01]}, {"trials": 1, "after": 0.5}
    search = search_in(tmp_path, model=MLP, trials=3, space=space, prune=prune)
    search.run(Silent(), [Recorder()], lambda: None)
    outcomes = {(result.values["train.lr"], result.state, result.why) for result in search.results()}
    assert outcomes == {(0.01, "complete", ""), (1e-6, "pruned", "fold 0, epoch 3")}


def test_a_trial_whose_values_do_not_go_together_fails_and_the_search_goes_on(search_in, tmp_path):
    search = search_in(tmp_path, seed=1, space={"train.warmup_epochs": [1, 3], "train.epochs": [2, 4]})
    search.run(Silent(), [Recorder()], lambda: None)
    results = search.results()
    failed = [result for result in results if result.state == "failed"]
    assert failed and all(result.values["train.epochs"] == 2 and "trial has 1 wrong" in result.why for result in failed)
    assert len(results) == 5 and results[0].state == "complete"


def test_nothing_is_tried_twice_and_a_space_that_is_exhausted_ends_it(search_in, tmp_path):
    search, recorder = search_in(tmp_path, trials=None, hours=1, space={"model.args.C": [0.1, 1.0, 10.0]}), Recorder()
    search.run(Silent(), [recorder], lambda: None)
    assert sorted(result.values["model.args.C"] for result in recorder.trials) == [0.1, 1.0, 10.0]
    assert summary(search) == summary(search_in(tmp_path, trials=None, hours=1, space={"model.args.C": [0.1, 1.0, 10.0]}))


def test_a_budget_of_hours_ends_it_and_keeps_the_trial_in_flight(search_in, tmp_path):
    search = search_in(tmp_path, trials=None, hours=1e-9)
    search.run(Silent(), [Recorder()], lambda: None)
    assert [result.name for result in search.results()] == []
    search = search_in(tmp_path, trials=None, hours=1 / 3600)
    search.run(Silent(), [Recorder()], lambda: None)
    assert search.results() and search.spent < 20


def test_one_process_at_a_time_searches(search_in, tmp_path):
    search = search_in(tmp_path)
    with search._alone(), pytest.raises(InputError, match="another process runs this search"):
        search_in(tmp_path).run(Silent(), [], lambda: None)


def test_the_command_tracks_every_trial_and_gives_the_best_as_a_recipe(tree, tmp_path, monkeypatch, capsys):
    from ruamel.yaml import YAML

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    recipes = tmp_path / "experiments/recipes"
    recipes.mkdir(parents=True)
    yaml = YAML()
    yaml.dump(tree, tmp_path / "params.yaml")
    yaml.dump({"sweep": {"trials": 3, "space": SPACE}, "model": {"args": {"C": 0.0001}}}, recipes / "mine.yaml")
    run_command(["sweep", "experiments/recipes/mine.yaml", "--write"])
    said = capsys.readouterr().out
    assert "difference" in said and "the best of 3 trials was chosen on the rows that score it" in said

    text = (recipes / "mine-best.yaml").read_text()
    assert text.startswith("# Tries: the best of 3 trials of the search mine: accuracy 0.") and text in said
    assert "sweep" not in YAML(typ="safe").load(text)

    client = Store(tmp_path).client
    (experiment,) = [experiment for experiment in client.search_experiments() if experiment.name == "rows"]
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if run.info.run_name == "mine"]
    trials = {run.info.run_name: run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id}
    assert set(trials) == {"default", "trial 1", "trial 2", "trial 3"} and {run.info.status for run in runs} == {"FINISHED"}
    assert trials["default"].data.params["model.args.C"] == "0.0001" and "accuracy_fold_1" in trials["default"].data.metrics
    best = trials[parent.data.tags["goldfold.best"]]
    assert parent.data.metrics["accuracy"] == best.data.metrics["accuracy"] and best.data.tags["goldfold.trial"] == "complete"
    assert {artifact.path for artifact in client.list_artifacts(parent.info.run_id)} == {"best.yaml", "cv"}

    run_command(["sweep", "mine"])
    assert "going on    3 trials done" in capsys.readouterr().out and len(client.search_runs([experiment.experiment_id])) == 5
    with pytest.raises(InputError, match=r"mine-best.yaml holds no search"):
        run_command(["sweep", "mine-best"])


def test_the_command_searches_on_ray(tree, tmp_path, monkeypatch):
    pytest.importorskip("ray.cluster_utils", reason="pip install -r requirements-ray.txt -c constraints.txt")
    from ruamel.yaml import YAML

    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    recipes, yaml = tmp_path / "experiments/recipes", YAML()
    recipes.mkdir(parents=True)
    yaml.dump(tree, tmp_path / "params.yaml")
    asked, run = [], Cluster.run
    monkeypatch.setattr(Cluster, "run", lambda self, jobs, *rest: asked.extend(jobs) or run(self, jobs, *rest))
    for seed, options in enumerate(([], ["--engine", "ray"])):
        yaml.dump({"sweep": {"trials": 1, "space": SPACE, "seed": seed}}, recipes / "mine.yaml")
        run_command(["sweep", "mine", *options])
        shutil.rmtree(tmp_path / ".goldfold/states")
    here, there = (path.read_bytes() for path in tmp_path.glob("experiments/sweeps/mine-*/default/oof.parquet"))
    assert here == there and len(asked) == 4


def test_a_kill_while_the_study_is_made_leaves_none(search_in, tmp_path, monkeypatch):
    def killed(storage, **options):
        Path(storage.removeprefix("sqlite:///")).write_bytes(b"SQLite format 3\0 and no more")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("optuna.create_study", killed)
        search_in(tmp_path)
    assert not (tmp_path / "study" / STUDY).exists()
    assert search_in(tmp_path).results() == []


def test_a_damaged_study_is_named(search_in, tmp_path):
    search_in(tmp_path)
    with (tmp_path / "study" / STUDY).open("r+b") as file:
        file.write(b"rubbish" * 1000)
    with pytest.raises(InputError, match=r"study cannot be read or written(.|\n)*rm .*study.db"):
        search_in(tmp_path)
