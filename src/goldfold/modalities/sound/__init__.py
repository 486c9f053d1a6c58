"""Sounds: views over the cache of resampled waves, and networks that read their spectrograms.

A view returns waves as int16 and the model makes the log-mel spectrogram, so training, prediction and exports share one.
"""
