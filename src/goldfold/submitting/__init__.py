"""Submissions to Kaggle: what is checked before one is spent, files, code, and their scores."""
