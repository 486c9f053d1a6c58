"""Images: views over the cache of decoded images, and networks that read them.

A view returns uint8 and the model normalises it, so training, prediction and exports share one normalisation.
"""
