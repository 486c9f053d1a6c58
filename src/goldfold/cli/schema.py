"""Print the JSON schema of params.yaml, for editors to complete and check it."""

import argparse
import json
from typing import Any

from goldfold.config import config_class
from goldfold.imports import known_modalities


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> None:
    """Print the schema."""
    print(json.dumps(params_schema(), indent=2, ensure_ascii=False))


def params_schema() -> dict[str, Any]:
    """Return the JSON schema of params.yaml."""
    return config_class(*known_modalities()).model_json_schema(by_alias=True)
