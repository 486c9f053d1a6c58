"""Your own models, losses, metrics and transforms: a file here is named in params.yaml as `own.file:Name`."""
