"""Which features of a table are worth it: candidates, each tried on the same folds, and those that hold up."""
