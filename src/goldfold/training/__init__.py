"""Training: each fold and seed to its best checkpoint."""

from goldfold.training.fold_result import FoldResult, best_of, load_folds, load_refits
from goldfold.training.state import forget, origin_file
from goldfold.training.stopping import asked_to_stop
from goldfold.training.train import train_fold

__all__ = [
    "FoldResult",
    "asked_to_stop",
    "best_of",
    "forget",
    "load_folds",
    "load_refits",
    "origin_file",
    "train_fold",
]
