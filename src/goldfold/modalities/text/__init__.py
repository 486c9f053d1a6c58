"""Texts: words of a vocabulary read by a BiLSTM, n-grams by an estimator of scikit-learn, or subwords by a transformer.

A batch is padded with 0 to its longest text. The vocabulary and its counts are learned from the training rows of the fold, or
from all texts, as prepare.vocabulary says, and kept in the checkpoint as its spec.
"""
