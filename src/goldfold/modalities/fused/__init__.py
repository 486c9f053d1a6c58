"""Several kinds of input at once, such as `image+table`: one head on the concatenated features of all.

`model` and `prepare` have a section for each kind, under its name. Augmentation is that of the first one.
"""
