"""The commands that are no stages, on a finished result."""

import base64
import json
import sys
from pathlib import Path

import pandas as pd


def test_predict_names_the_most_probable_classes_of_images_and_folders(finished):
    images = finished.folder / "data/demo/digits/images"
    table = pd.read_csv(finished.folder / "data/demo/digits/train.csv", dtype=str)
    chosen = table.sample(20, random_state=0)
    said = finished.run("goldfold", "predict", "--top", "2", *(f"{images}/{name}.png" for name in chosen["id"]))
    lines = said.strip().splitlines()
    assert len(lines) == 20 and all(len(line.split()) == 5 for line in lines)
    right = sum(line.split()[1] == label for line, label in zip(lines, chosen["label"], strict=True))
    assert right >= 19
    name = finished.parents()[0].info.run_name
    one = finished.run("goldfold", "predict", "--run", name, f"{images}/{chosen['id'].iloc[0]}.png")
    assert one.split()[1] == chosen["label"].iloc[0]
    assert "did you mean" in finished.run("goldfold", "predict", "--run", name[:-1], str(images), expect=2)


def test_export_writes_the_best_model_and_says_how_near_it_is(clone):
    said = clone.run("goldfold", "export", "--out", "out")
    cards = [json.loads(path.read_text()) for path in sorted((clone.folder / "experiments/current/folds").glob("*/0/model.json"))]
    best = max(cards, key=lambda card: card["score"])
    assert said.startswith(f"fold {best['fold']}, accuracy")
    assert {path.name for path in (clone.folder / "out").iterdir()} == {
        "model.onnx",
        "model.torchscript.pt",
        "model.pt2",
        "preprocessing.json",
    }


def test_the_run_offers_the_model_to_mlflow_models_predict(finished, tmp_path):
    image = finished.folder / "data/demo/digits/images"
    table = pd.read_csv(finished.folder / "data/demo/digits/train.csv", dtype=str).head(3)
    encoded = [[base64.b64encode((image / f"{name}.png").read_bytes()).decode()] for name in table["id"]]
    (tmp_path / "in.json").write_text(json.dumps({"dataframe_split": {"columns": ["image"], "data": encoded}}))
    model = f"runs:/{finished.parents()[0].info.run_id}/model"
    options = ["-i", str(tmp_path / "in.json"), "-o", str(tmp_path / "out.json"), "--env-manager", "local"]
    store = f"sqlite:///{finished.folder / 'mlflow.db'}"
    mlflow = str(Path(sys.executable).parent / "mlflow")
    finished.run(mlflow, "models", "predict", "-m", model, *options, MLFLOW_TRACKING_URI=store)
    answers = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert [answer["label"] for answer in answers] == list(table["label"])


def test_lr_find_logs_its_plot_and_overfit_gives_its_verdict(clone, set_params):
    from mlflow import MlflowClient

    said = clone.run("goldfold", "lr-find", "--steps", "30")
    assert "try  train.lr:" in said
    run = clone.parents()[-1]
    assert run.info.run_name.startswith("lr-find") and run.data.metrics["suggested_lr"] > 0
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    assert "lr-find.png" in {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    said = clone.run("goldfold", "overfit")
    assert "it learns" in said and "is older than" not in said
    set_params(clone, prepare__image_size=16)
    assert "data/prepared is older than params.yaml" in clone.run("goldfold", "overfit", "--steps", "1", expect=None)


def test_report_tells_of_the_current_result_with_its_test_score_and_of_a_run(clone):
    from mlflow import MlflowClient

    staged = (clone.folder / "experiments/current/report/report.html").read_text()
    score = json.loads((clone.folder / "experiments/current/cv/metrics.json").read_text())["accuracy"]["oof"]
    assert f"{score:#.5g}" in staged and "against known labels" not in staged and staged.count("<img") == 48
    run = clone.parents()[0]
    said = clone.run("goldfold", "report")
    path = clone.folder / "experiments/reports" / run.info.run_name / "report.html"
    assert str(path.relative_to(clone.folder)) in said
    page = path.read_text()
    assert "against known labels" in page and run.data.tags["mlflow.source.git.commit"] in page
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    assert {artifact.path for artifact in client.list_artifacts(run.info.run_id, "report")} == {"report/report.html"}
    path.unlink()
    clone.run("goldfold", "report", run.info.run_name)
    assert path.read_text() == page
    assert "up to date" in clone.run("dvc", "status") and len(clone.parents()) == 1


def test_the_smoke_recipe_runs_the_whole_pipeline_on_a_few_rows_with_as_many_seeds_as_are_given(clone):
    said = clone.run("goldfold", "run", "smoke", "--", "-S", "train.seeds=[0,1]")
    assert "NOT TO SEND 60 rows were predicted" in said and "360 rows, passed the contract" in said
    parent = clone.parents()[-1]
    assert parent.info.run_name == "smoke" and parent.data.params["prepare.rows"] == "60"
    assert {child.info.run_name for child in clone.children(parent)} == {"fold 0 seed 0", "fold 0 seed 1"}
    assert len(list((clone.folder / "experiments/current/folds/0").iterdir())) == 2


def test_a_recipe_is_not_laid_over_another_or_over_changes(clone, set_params):
    set_params(clone, train__lr=0.002)
    said = clone.run("goldfold", "run", "smoke", expect=2)
    assert "params.yaml has uncommitted changes" in said and "git restore params.yaml" in said


def test_check_knows_whether_the_competition_is_there(clone, set_params):
    assert "all keys and values are valid" in clone.run("goldfold", "check")
    set_params(clone, competition__path="data/raw/nothing")
    assert "competition.path: there is no folder data/raw/nothing" in clone.run("goldfold", "check", expect=2)
    (clone.folder / "data/raw").mkdir(exist_ok=True)
    (clone.folder / "data/raw/nothing.dvc").write_text("outs: []")
    assert "all keys and values are valid" in clone.run("goldfold", "check")
