"""From checkpoints to predictions: the one way, for out-of-fold rows, test rows and rows from outside."""
