"""A run as one folder that predicts a hidden test set without a network, for code competitions."""

from goldfold.bundle.bundle import Bundle
from goldfold.bundle.rerun import predict_bundle

__all__ = ["Bundle", "predict_bundle"]
