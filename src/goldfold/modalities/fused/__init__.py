"""Several kinds of input at once, `image+table`: the features of each, side by side, under one head.

`model` and `prepare` have a section for each kind, under its name. Augmentation is that of the first one.
"""
