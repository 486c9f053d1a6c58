"""Images: views over the cache of decoded images, and networks that read them.

A batch leaves a view as uint8; the model normalises it. So the backbone's mean and deviation are applied in one place,
in training, prediction and export alike.
"""

from goldfold.modalities.image.model import build_model, input_spec
from goldfold.modalities.image.views import mixed, plain_view, read_file, training_view

__all__ = ["build_model", "input_spec", "mixed", "plain_view", "read_file", "training_view"]
