"""Training: one fold at a time, to its best checkpoint."""

from goldfold.training.fold_result import FoldResult, load_folds
from goldfold.training.train import train_fold

__all__ = ["FoldResult", "load_folds", "train_fold"]
