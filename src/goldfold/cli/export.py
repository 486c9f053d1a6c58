"""Write the best model to ONNX, TorchScript and torch.export, checked on real rows."""

import argparse
from pathlib import Path
from typing import get_args

from goldfold.cli.arguments import RUN, whole
from goldfold.prediction.exports import Format, export
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_run
from goldfold.training import best_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the formats, and the folder to write to."""
    formats = get_args(Format)
    parser.add_argument("--run", default="current", help=RUN)
    parser.add_argument("--fold", type=whole(0), help="this fold's model; by default the one with the best score")
    parser.add_argument("--formats", nargs="+", choices=formats, default=formats)
    parser.add_argument("--out", type=Path, default=Path("experiments/export"))


def run(args: argparse.Namespace) -> None:
    """Write the best model of a run in other formats, each checked against PyTorch on real rows."""
    result = best_of(find_run(args.run).folds(args.fold))
    print(f"fold {result.fold}, {result.codec.problem.metric} {result.score:.5g}")
    for path, deviation in export(result, PreparedSet.load(PREPARED), args.formats, args.out).items():
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB, at most {deviation:.1e} from PyTorch on real rows")
    print(f"{args.out / 'preprocessing.json'}  how to make its input and read its output")
