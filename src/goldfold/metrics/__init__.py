"""The competition metrics: each a function, its direction, and what it needs.

Truth and prediction are arrays over the same rows, n rows long:

| task | truth | prediction |
|---|---|---|
| binary | (n,) 0 or 1 | (n,) probability of 1 |
| multiclass | (n,) index of the class, or (n, classes) shares that sum to 1 | (n, classes) probabilities |
| multilabel | (n, labels) 0 or 1 | (n, labels) probabilities |
| regression | (n,), or (n, targets) where there are several | as the truth |
| masks | (n, classes) areas in pixels | (n, classes, 2) areas predicted, and shared with the truth |

A metric that needs labels gets the most probable class, or 0 and 1 by the threshold 0.5, in the truth's shape. One that
does not take shares gets the class with the largest.
"""

from goldfold.metrics.arguments import named_columns, score_rows
from goldfold.metrics.metric import Array, Metric, hard_labels
from goldfold.metrics.ranking import best_first
from goldfold.metrics.table import METRICS, find_metric

__all__ = ["METRICS", "Array", "Metric", "best_first", "find_metric", "hard_labels", "named_columns", "score_rows"]
