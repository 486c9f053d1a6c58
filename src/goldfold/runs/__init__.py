"""Pipeline results that can be named: the current one, and those of MLflow."""
