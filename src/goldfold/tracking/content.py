"""What the records of a run hold: its settings, its code, its folds, its cross-validation and its submission."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.config import Config
from goldfold.programs import git
from goldfold.tracking.store import metric_tags

if TYPE_CHECKING:
    from goldfold.training import FoldResult
    from goldfold.training.reporter import Row
    from goldfold.validation import CVResult


def cv_content(result: CVResult, folder: Path) -> dict[str, Any]:
    """Return the content of a record for a cross-validation that was saved to `folder`."""
    scores, moment = result.scores, (folder / "metrics.json").stat().st_mtime
    values = {
        scores.metric: scores.score,
        f"{scores.metric}_low": scores.low,
        f"{scores.metric}_high": scores.high,
        f"{scores.metric}_mean": scores.mean,
        f"{scores.metric}_std": scores.deviation,
        **{f"{scores.metric}_fold_{fold}": score for fold, score in scores.folds.items()},
        **{f"{scores.metric}_{name}": value for name in ("raw", "plain") if (value := getattr(scores, name)) is not None},
    }
    note = f"{scores.metric} {scores.score:.5g} ({scores.low:.5g} to {scores.high:.5g}), out-of-fold"
    if scores.raw is not None:
        note += f"; post-processed ({result.postprocess}), without {scores.raw:.5g}"
    return {
        "metrics": [(name, value, 0, moment) for name, value in values.items()],
        "tags": {"mlflow.note.content": note, **metric_tags(result.problem.metric_args)},
        "artifacts": {str(path): "cv" for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."},
    }


def submission_files(folder: Path) -> dict[str, str]:
    """Return the files of a submission, each with its folder in the run."""
    names = ("submission.csv", "predictions.parquet", "by_fold.parquet")
    return {str(folder / name): "submission" for name in names if (folder / name).is_file()}


def flat_params(config: Config) -> dict[str, str]:
    """Return all of params.yaml as texts by dotted key."""
    flat: dict[str, str] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(inner, f"{name}.{key}" if name else str(key))
        elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
            for position, inner in enumerate(value):
                walk(inner, f"{name}.{position}")
        else:
            flat[name] = str(value)

    walk(config.model_dump(mode="json", by_alias=True), "")
    return flat


def model_name(config: Config) -> str:
    """Return the model's name for a run: without timm's tag of the weights, and without the module of an import path."""
    return config.model.name.rpartition(":")[2].partition(".")[0]


def fold_content(result: FoldResult, tags: dict[str, str]) -> dict[str, Any]:
    history: list[Row] = [{str(name): value for name, value in row.items()} for row in result.history.to_dict("records")]
    metric = result.codec.problem.scored_by.name
    last = history[-1]["time"]
    best = [(f"best_{metric}", result.score, 0, last), ("best_epoch", float(result.epoch), 0, last)]
    if result.is_refit:
        best = []
    return {
        "params": {name: str(getattr(result, name)) for name in ("seed", "device", "precision", "threads")}
        | {"fold": result.place.partition("/")[0]}
        | {f"{part}_rows": str(count) for part, count in result.rows.items()},
        "metrics": [measured for row in history for measured in epoch_metrics(row)] + best,
        "tags": tags,
    }


def epoch_metrics(row: Row) -> list[tuple[str, float, int, float]]:
    step, moment = int(row["epoch"]), row["time"]
    return [(name, float(value), step, moment) for name, value in row.items() if name not in ("epoch", "time")]


def provenance() -> dict[str, str]:
    """Return tags that name the code: the command, the git commit, whether it was changed, and the DVC experiment."""
    remote = _remote()
    tags = {
        # MLflow links a project's source to its commit.
        "mlflow.source.type": "PROJECT" if remote else "LOCAL",
        "mlflow.source.name": remote or _command(),
        "mlflow.project.entryPoint": _command(),
        "mlflow.source.git.repoURL": remote,
        "mlflow.source.git.commit": _git("rev-parse", "HEAD"),
        "goldfold.git_dirty": str(bool(_git("status", "--porcelain"))).lower(),
    }
    if os.environ.get("DVC_EXP_NAME"):
        tags["goldfold.dvc_experiment"] = os.environ["DVC_EXP_NAME"]
    return {name: value for name, value in tags.items() if value}


def _command() -> str:
    """The command that runs, without its arguments."""
    if "DVC_STAGE" in os.environ:
        return "dvc repro"
    program, *arguments = sys.argv
    name = Path(program).name
    return f"{name} {arguments[0]}" if name == "goldfold" and arguments else name


def _remote() -> str:
    """The address of the repository's remote, without user and password; empty where there is none on a network."""
    address = _git("remote", "get-url", "origin")
    return re.sub("(?<=://)[^/@]*@", "", address) if address.startswith(("http", "ssh://", "git@")) else ""


def _git(*arguments: str) -> str:
    return git(*arguments).stdout.strip()
