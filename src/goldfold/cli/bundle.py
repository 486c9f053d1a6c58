"""Write a run or a blend as one folder that predicts offline, for a code competition."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from goldfold.as_json import Answer
from goldfold.bundle import Bundle
from goldfold.bundle.cpu import CLOSE, has_networks, on_cpu
from goldfold.bundle.packing import Packing
from goldfold.bundle.rerun import measure
from goldfold.cli.arguments import add_run, at_least_one, positive
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.prepare import PreparedSet
from goldfold.runs.bundling import bundle_blend
from goldfold.runs.paths import BUNDLES, PREPARED
from goldfold.runs.run import Run, find_run
from goldfold.terminal.bundles import show_blend_bundle, show_bundle, show_onnx


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run, and the limits of the competition."""
    add_run(parser)
    parser.add_argument("--out", type=Path, help="the folder; by default experiments/bundles/<run>")
    parser.add_argument("--data", type=Path, help="where the notebook finds the competition; by default /kaggle/input/<name>")
    parser.add_argument("--test-rows", type=at_least_one, help="the rows of the hidden test set; by default the test table's")
    parser.add_argument("--hours", type=positive, default=9.0, help="the competition's limit; 9 by default")
    parser.add_argument("--megabytes", type=positive, default=20_000, help="the largest size of the folder; 20,000 by default")
    parser.add_argument("--wheels", nargs="+", default=[], metavar="PACKAGE", help="packages to bring along, in the version here")
    parser.add_argument("--cpu", action="store_true", help="for a machine without a GPU: networks predict by ONNX Runtime")
    parser.add_argument("--worth", type=float, help="of a blend, leave out members that are worth less to its nested score")


def run(args: argparse.Namespace) -> Answer:
    """Write a bundle, and print its size and how long it will take, as measured here on test rows."""
    with TemporaryDirectory() as networks:
        return _bundled(args, Path(networks))


def _bundled(args: argparse.Namespace, networks: Path) -> Answer:
    """Write a bundle, with --cpu by way of a folder for the networks."""
    chosen, prepared = find_run(args.run), PreparedSet.load(PREPARED)
    folder, data = args.out or BUNDLES / chosen.tracked_name, args.data or Path("/kaggle/input") / prepared.problem.name
    rows = args.test_rows or len(prepared.test)
    if chosen.is_blend:
        made = bundle_blend(chosen, prepared, load_config(), args.hours, rows, args.worth, networks if args.cpu else None)
        size = made.bundle.save(made.parts, folder, Packing(data, args.megabytes, args.wheels))
        show_blend_bundle(made, folder, size, rows, prepared.problem.scored_by)
        seconds = sum(pace.seconds(rows) for pace in made.bundle.paces.values())
        return {
            **_answer(chosen, folder, size, rows, seconds),
            "members": made.bundle.names,
            "left_out": made.left_out,
            "nested": made.after,
            "nested_of_all": made.before,
        }
    if args.worth is not None:
        raise InputError(f"--worth is for the members of a blend, and {chosen.name} is none", mend="leave it out")
    bundle = Bundle(chosen.tracked_name, chosen.config(), chosen.ensemble())
    modality_part(bundle.problem.modality, "outside")
    if args.cpu:
        if not has_networks(bundle):
            raise InputError(f"--cpu is for networks: {bundle.config.model.name} predicts on the CPU", mend="leave it out")
        predicted = prepared.problem.predictions(chosen.predictions(prepared.problem, prepared.test[prepared.problem.id]))
        bundle, deviation = on_cpu(bundle, prepared, predicted, networks)
        show_onnx(deviation, CLOSE)
    return _bundle_run(chosen, bundle, args, folder, data, rows)


def _bundle_run(chosen: Run, bundle: Bundle, args: argparse.Namespace, folder: Path, data: Path, rows: int) -> Answer:
    size = bundle.save(folder, data, args.megabytes, args.wheels)
    pace = measure(bundle, Path(bundle.config.competition.path))
    show_bundle(bundle, pace, folder, size, rows, args.hours, args.megabytes)
    return _answer(chosen, folder, size, rows, pace.seconds(rows))


def _answer(chosen: Run, folder: Path, size: int, rows: int, seconds: float) -> Answer:
    return {"run": chosen.tracked_name, "folder": folder, "bytes": size, "test_rows": rows, "seconds": seconds}
