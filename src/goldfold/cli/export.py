"""Write the best model to ONNX, TorchScript and torch.export, checked on real rows."""

import argparse
from pathlib import Path
from typing import get_args

from goldfold.cli.arguments import RUN, whole
from goldfold.errors import InputError
from goldfold.prediction.exports import Format, export
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import Run, find_run
from goldfold.training import FoldResult, best_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the formats, and the folder to write to."""
    formats = get_args(Format)
    parser.add_argument("--run", default="current", help=RUN)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fold", type=whole(0), help="this fold's model; by default the one with the best score")
    which.add_argument("--refit", action="store_true", help="the first model on all rows (predict.refit), which has no score")
    parser.add_argument("--formats", nargs="+", choices=formats, default=formats)
    parser.add_argument("--out", type=Path, default=Path("experiments/export"))


def run(args: argparse.Namespace) -> None:
    """Write the best model of a run in other formats, each checked against PyTorch on real rows."""
    chosen = find_run(args.run)
    if args.refit:
        result = _refit_of(chosen)
        print(f"{result.name}, not validated")
    else:
        result = best_of(chosen.folds(args.fold))
        print(f"fold {result.fold}, {result.codec.problem.metric} {result.score:.5g}")
    for path, deviation in export(result, PreparedSet.load(PREPARED), args.formats, args.out).items():
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB, at most {deviation:.1e} from PyTorch on real rows")
    print(f"{args.out / 'preprocessing.json'}  how to make its input and read its output")


def _refit_of(chosen: Run) -> FoldResult:
    """The first model on all rows; raises InputError where there is none."""
    refits = chosen.refits()
    if not refits:
        raise InputError(
            f"{chosen.name} has no model on all rows", mend="leave out --refit, or train one: predict.refit: {seeds: 1}"
        )
    return refits[0]
