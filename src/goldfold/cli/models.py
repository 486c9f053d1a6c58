"""`goldfold predict` and `goldfold export`: the models of a run outside its pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import CURRENT, PREPARED

if TYPE_CHECKING:
    from goldfold.prediction.export import Format
    from goldfold.training import FoldResult


def predict_paths(paths: Sequence[Path], top: int, run: str | None, fold: int | None) -> None:
    """Print the most probable classes of each image or row, or its values, as the folds' models predict them on average."""
    from goldfold.imports import modality_part
    from goldfold.prediction.outside import predict_outside
    from goldfold.terminal import show_predictions

    folds = _folds(run, fold)
    problem = folds[0].codec.problem
    rows = modality_part(problem.modality, "outside").read_files(paths)
    if problem.id in rows:
        rows = rows.set_index(problem.id, drop=False)
    names, predictions, bad = predict_outside(folds, rows)
    if names:
        show_predictions(problem, names, predictions, top)
    if bad:
        raise InputError(f"{len(bad)} of {len(rows)} rows cannot be predicted", bad, "replace them, or leave them out")


def export_model(run: str | None, fold: int | None, formats: Sequence["Format"], out: Path) -> None:
    """Write the best model of a run in other formats, each checked against PyTorch on real images."""
    from goldfold.prediction.export import export
    from goldfold.prepare import PreparedSet
    from goldfold.training.fold_result import best_of

    result = best_of(_folds(run, fold))
    print(f"fold {result.fold}, {result.codec.problem.metric} {result.score:.5g}")
    for path, deviation in export(result, PreparedSet.load(PREPARED), formats, out).items():
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB, at most {deviation:.1e} from PyTorch on real rows")
    print(f"{out / 'preprocessing.json'}  how its input is made, and what its output means")


def _folds(run: str | None, fold: int | None) -> list["FoldResult"]:
    """The models of the current result, or the one that an MLflow run offers; of one fold where it is given."""
    from goldfold.config import load_config
    from goldfold.training import FoldResult, load_folds

    if run:
        from goldfold.tracking import model_of_run

        return [FoldResult.load(model_of_run(run))]
    config = load_config()
    return load_folds(CURRENT / "folds", config.split.folds if fold is None else (fold,), config.train.seeds)
