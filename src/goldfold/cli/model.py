"""Show the network's layers, their output shapes, and which parameters are trained."""

import argparse

from goldfold.cli.arguments import add_fold
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.modalities.protocol import apart
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.terminal import show_layers
from goldfold.training.finetune import set_trainable
from goldfold.training.fitting import is_fitted_once
from goldfold.training.fold import read_fold
from goldfold.training.layers import list_layers


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a fold and an epoch."""
    add_fold(parser)
    parser.add_argument("--epoch", type=int, help="the epoch, from 1 on, whose frozen parts are shown; by default the last")


def run(args: argparse.Namespace) -> None:
    """Print the layers of a fold's network with their output shapes and parameters, trainable and frozen."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    train = config.train
    if args.epoch is not None and not 1 <= args.epoch <= train.epochs:
        raise InputError(f"--epoch {args.epoch}: train.epochs is {train.epochs}", mend=f"give one of 1 to {train.epochs}")
    fold = read_fold(prepared, config.split.folds[0] if args.fold is None else args.fold, train.seeds[0], config)
    model = fold.build_model(print)
    if is_fitted_once(model):
        raise InputError(f"{config.model.name} is fitted at once and has no layers", mend="use this command for networks")
    set_trainable(model, config.finetune, (args.epoch or train.epochs) - 1)
    show_layers(list_layers(model, apart(fold.plain_view().__getitems__([(0, 0)])[1])[0]))
