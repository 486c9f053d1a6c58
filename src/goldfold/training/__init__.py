"""Training: one fold at a time, to its best checkpoint."""

from goldfold.training.fold_result import FoldResult, best_of, load_folds
from goldfold.training.state import forget
from goldfold.training.stopping import asked_to_stop, share_of_hours
from goldfold.training.train import train_fold

__all__ = ["FoldResult", "asked_to_stop", "best_of", "forget", "load_folds", "share_of_hours", "train_fold"]
