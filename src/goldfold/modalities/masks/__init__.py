"""Masks: images whose pixels are predicted, by an encoder of timm and a decoder of segmentation-models-pytorch.

Images are read, cached and augmented as those of the kind `image`; their masks are changed with them.
"""
