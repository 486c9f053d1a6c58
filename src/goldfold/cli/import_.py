"""Take in predictions that were made elsewhere, as a run to compare, blend and submit."""

import argparse
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from goldfold.as_json import Answer
from goldfold.config import Config, load_config
from goldfold.errors import InputError
from goldfold.init.files import unpack_download
from goldfold.kaggle import data_set_of, download_data_set, find_data_set
from goldfold.members import Member, member_of, pairs_in, read_predicted
from goldfold.prepare import PreparedSet
from goldfold.runs.importing import neighbours_of, require_free_name, take_in
from goldfold.runs.paths import MEMBERS, PREPARED
from goldfold.scratch import scratch_folder
from goldfold.terminal.members import show_member


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files and what they are called."""
    parser.add_argument("name", nargs="?", help="what to call it; of a folder of pairs each bears its file's name")
    parser.add_argument(
        "--oof", type=Path, help="predictions of the training rows: .npy, .npz, .csv or .parquet, by id or in order"
    )
    parser.add_argument("--test", type=Path, help="predictions of the test rows")
    parser.add_argument("--folder", type=Path, help="a folder of pairs, oof_NAME.npy and pred_NAME.npy")
    parser.add_argument("--kaggle", metavar="OWNER/DATA_SET", help="a data set on Kaggle that holds such pairs")
    parser.add_argument("--folder-in", metavar="PATH", help="the folder in the data set; by default the whole of it")
    parser.add_argument(
        "--columns", default="", help="the columns of the predictions, in the order of the classes or targets: a,b"
    )
    parser.add_argument("--command", help="predicts other test rows, for a bundle: 'python predict.py {data} {out}'")
    parser.add_argument("--code", type=Path, help="the folder that the command runs in, with its models")
    parser.add_argument("--force", action="store_true", help="take it in whatever the gates find, and write that down")


def run(args: argparse.Namespace) -> Answer:
    """Read, judge, save and log each pair of files; print what each scores, and what the gates found."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    pairs, origin = _pairs(args)
    for name in pairs:
        require_free_name(name)
    others, members, taken = neighbours_of(prepared, [*pairs]), list[Member](), list[Answer]()
    source = {**_source(args), **origin}
    columns = [name.strip() for name in args.columns.split(",") if name.strip()]
    for name, (oof, test) in pairs.items():
        member = _read(name, oof, test, columns, config, prepared)
        member = replace(member, source={**member.source, **source})
        beside = others | {other.name: other for other in members}
        found = take_in(prepared, config, member, beside, args.force)
        show_member(member, found, MEMBERS / name)
        members.append(member)
        taken.append(
            {"run": name, **asdict(member.cv.scores), "folds_are": member.source["folds"], "forced": list(map(asdict, found))}
        )
    return {"members": taken}


def _pairs(args: argparse.Namespace) -> tuple[Mapping[str, tuple[Path, Path]], dict[str, Any]]:
    """The pairs of files by name, and where they are from if that is not here."""
    of_one = (args.name, args.oof, args.test)
    if any(of_one) != all(of_one) or [bool(args.name), bool(args.folder), bool(args.kaggle)].count(True) != 1:
        raise InputError(
            "a member is two files, or a pair of the files in a folder or in a data set on Kaggle",
            mend="goldfold import NAME --oof FILE --test FILE, or --folder FOLDER, or --kaggle OWNER/DATA_SET",
        )
    if args.folder_in and not args.kaggle:
        raise InputError(
            "--folder-in is a folder in a data set on Kaggle", mend="give --kaggle OWNER/DATA_SET, or --folder alone"
        )
    if args.kaggle:
        ref = data_set_of(args.kaggle)
        folder, version = _downloaded(ref)
        return pairs_in(folder / (args.folder_in or "")), {"kaggle": ref, "version": version}
    return (pairs_in(args.folder) if args.folder else {args.name: (args.oof, args.test)}), {}


def _downloaded(ref: str) -> tuple[Path, int]:
    """The folder with the files of a data set's newest version, and its number."""
    found = find_data_set(ref)
    if found is None:
        mend = "look at its address, https://www.kaggle.com/datasets/OWNER/DATA_SET"
        raise InputError(f"Kaggle has no data set {ref}, or you may not see it", mend=mend)
    # Each version's archive has a folder of its own: Kaggle's client would go on with another version's.
    folder = scratch_folder() / "downloads" / ref / str(found.version) / "files"
    if not folder.is_dir():
        print(f"downloading {ref}, version {found.version}, from Kaggle", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpack_download(download_data_set(ref, found.version, folder.parent), folder)
    print(f"files       {os.path.relpath(folder)}: version {found.version} of {ref} on Kaggle")
    return folder, found.version


def _source(args: argparse.Namespace) -> dict[str, Any]:
    """The command of a member that comes with one, and its folder of code."""
    if not args.command and not args.code:
        return {}
    if not (args.command and args.code and args.code.is_dir()) or not args.name:
        raise InputError(
            "a command runs in the folder of its code",
            mend="give both, of one member: --command 'python predict.py {data} {out}' --code FOLDER",
        )
    if "{data}" not in args.command or "{out}" not in args.command:
        raise InputError(
            f"--command {args.command} does not say where it reads and writes",
            mend="{data} is the competition's folder, {out} the table of predictions: 'python predict.py {data} {out}'",
        )
    return {"command": args.command, "code": str(args.code)}


def _read(name: str, oof: Path, test: Path, columns: list[str], config: Config, prepared: PreparedSet) -> Member:
    problem, validated = prepared.problem, np.isin(prepared.folds, config.split.folds)
    predicted = (
        read_predicted(oof, problem, prepared.train[problem.id], columns, validated),
        read_predicted(test, problem, prepared.test[problem.id], columns),
    )
    files = {str(path): hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in (oof, test)}
    return member_of(name, prepared, config, predicted, files)
