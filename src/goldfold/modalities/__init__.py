"""Kinds of input. Each is a package here, or one of the competitor's own, of whole modules.

Every kind has the modules

    settings.py      MODEL and PREPARE: what params.yaml says about it
    prepare.py       what the prepared set keeps of it
    learning.py      what a model sees of it, and which models read it

and, for what else it can do, some of these

    files.py         the files that rows have, one each: how goldfold finds them
    outside.py       rows from outside the competition: for `goldfold predict`, exports, bundles and the MLflow model
    augmentation.py  checks of the transforms that `augment` and `predict.tta` name
    alike.py         duplicate rows
    facts.py         facts about rows that should not tell the target, for the audit
    shown.py         rows as a person sees them
    saliency.py      where a network looks

protocol.py says what each module defines; a stage imports the one that it needs by `imports.modality_part`.
"""
