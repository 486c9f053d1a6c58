"""Texts: words of a vocabulary read by a BiLSTM, n-grams by an estimator of scikit-learn, or subwords by a transformer.

A batch is padded with 0 to its own longest text. What is learned from the texts (vocabulary, counts) is learned from the
training rows of the fold, or from all texts as prepare.vocabulary says, and is the spec that the checkpoint keeps.
"""
