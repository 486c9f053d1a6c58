"""Images: views over the cache of decoded images, and networks that read them.

A batch leaves a view as uint8; the model normalises it. So the backbone's mean and deviation are applied in one place,
in training, prediction and export alike.
"""
