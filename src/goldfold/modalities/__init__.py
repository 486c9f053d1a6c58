"""Kinds of input. A new one is one package here, or of the competitor's own, with three modules:

    settings.py   MODEL and PREPARE: what params.yaml says about it, see protocol.Settings
    prepare.py    what the prepared set keeps of it, see protocol.Preparing
    learning.py   what a model sees of it, and which models read it, see protocol.Learning

Nothing else knows which kind a competition has: a stage takes the part that it needs by `imports.modality_part`.
"""
