"""Tables: columns of numbers, categories and dates, read by an MLP or by an estimator of scikit-learn's kind.

What is learned from the columns (means, categories, encodings) is learned from the training rows of the fold alone, and is
the spec that the checkpoint keeps.
"""
