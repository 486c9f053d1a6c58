"""The rules of the house: which way imports run, what the stages depend on, and files that must agree."""

import ast
import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.conftest import DEMO_PARAMS, RECIPES, read_recipe, with_recipe

from goldfold.cli.schema import params_schema
from goldfold.config import FoldConfig, load_config, parse_config, parse_sweep

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
# A module may import only those before it.
LIBRARY = (
    "errors files scratch process programs as_json imports config masks metrics tables schema competition prepare identity "
    "modalities pages audit training engines inference validation prediction blending members rehearsal bundle report sweep "
    "tracking kaggle runs race features init doctor terminal leaderboard submitting cli repository"
)
ORDER = LIBRARY.split()
STAGES = ("check", "prepare", "train", "validate", "predict")
READING = STAGES[1:]
"""The stages that read the settings as the first one wrote them."""


def imports(path, package):
    """The goldfold modules that a file imports when it runs; those for type checkers alone do not count."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {name for name in names if name.startswith("goldfold") and file_of(name)}
    return found - {package}


def file_of(module):
    place = SOURCE / module.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def all_imports(path):
    """The files of goldfold that a file imports, directly or not."""
    seen, waiting = set(), [path]
    while waiting:
        for module in imports(waiting.pop(), ""):
            file = file_of(module)
            if file not in seen:
                seen.add(file)
                waiting.append(file)
    return seen


@pytest.mark.parametrize("path", sorted((SOURCE / "goldfold").rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_one_way(path):
    parts = path.relative_to(SOURCE / "goldfold").with_suffix("").parts
    if parts[0] == "__init__":
        assert not imports(path, "")
        return
    for module in imports(path, ""):
        imported = module.split(".")[1] if "." in module else None
        assert imported is None or imported == parts[0] or ORDER.index(imported) < ORDER.index(parts[0]), module


@pytest.mark.parametrize("kind", ["image", "table", "text", "fused"])
def test_what_a_kind_of_input_learns_by_stands_on_nothing_that_people_look_at(kind):
    package = SOURCE / "goldfold/modalities" / kind
    closure = all_imports(package / "learning.py")
    assert not {package / f"{part}.py" for part in ("outside", "alike", "facts", "shown", "saliency")} & closure


def test_no_module_has_the_name_of_what_it_holds():
    """Else `package.name` is the one or the other, by what was imported last, and a patch of it misses."""
    for path in (SOURCE / "goldfold").rglob("*.py"):
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert path.stem not in names or path.parent.name == "cli", path


def test_only_the_store_imports_mlflow():
    for path in (SOURCE / "goldfold").rglob("*.py"):
        mentions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in mentions for alias in node.names} | {getattr(node, "module", "") for node in mentions}
        assert path.name in ("store.py", "client.py", "files.py") or not any(str(name).startswith("mlflow") for name in names), (
            path
        )


def test_all_that_is_printed_is_plain():
    """What data says is never markup: one module makes consoles and columns of texts."""
    for path in (SOURCE / "goldfold").rglob("*.py"):
        assert path.name == "plain.py" or not {"Console", "TextColumn"} & set(re.findall(r"\w+", path.read_text())), path


def stage(name):
    return YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"][name]


def params(name):
    """The settings that a stage lists."""
    ((of_check, listed),) = [item for entry in stage(name)["params"] for item in entry.items()]
    assert of_check in stage("check")["outs"]
    return listed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_modules_that_it_imports(name):
    script = ROOT / "pipelines" / f"{name}.py"
    deps = [ROOT / dep for dep in stage(name)["deps"] if dep.startswith(("src", "pipelines"))]
    assert script in deps
    for file in all_imports(script):
        if file == SOURCE / "goldfold/__init__.py":
            continue
        assert any(file == dep or dep in file.parents for dep in deps), file.relative_to(ROOT)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_nothing_that_is_not_there_or_not_read(name):
    used = all_imports(ROOT / "pipelines" / f"{name}.py")
    assert len(set(stage(name)["deps"])) == len(stage(name)["deps"])
    for dep in stage(name)["deps"]:
        if dep.startswith("src/goldfold"):
            assert (ROOT / dep).exists(), dep
            assert any(ROOT / dep in (file, *file.parents) for file in used) or dep.endswith("modalities"), dep


@pytest.mark.parametrize("name", READING)
def test_a_stage_lists_the_sections_of_params_that_it_reads(name):
    tree = ast.parse((ROOT / "pipelines" / f"{name}.py").read_text())
    read = {
        f"{node.value.attr}.{node.attr}" if isinstance(node.value, ast.Attribute) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and "config" in (ast.unparse(node.value), ast.unparse(node.value).split(".")[0])
    }
    read = {key.rstrip("_") for key in read if not any(other.startswith(f"{key}.") for other in read)}
    if name == "train":
        read |= {*FoldConfig.model_fields, "split.folds", "runtime.threads", "runtime.devices_per_job", "predict.refit"}
    listed = set(params(name))
    if name == "prepare":
        # All of split but the folds to train, which would make prepare run again for nothing.
        read = (read - {"split"}) | {f"split.{key}" for key in type(parse_config(minimal()).split).model_fields if key != "folds"}
    assert listed == read


def minimal():
    return {"competition": {"path": "x"}, "model": {"name": "x"}}


def test_the_schema_is_current():
    assert json.loads((ROOT / "params.schema.json").read_text()) == params_schema(), "goldfold schema > params.schema.json"


def test_the_shipped_params_yaml_is_valid_and_has_every_parameter_that_a_stage_lists():
    load_config(DEMO_PARAMS)
    tree = YAML(typ="safe").load(DEMO_PARAMS)
    for name in READING:
        for key in params(name):
            place = tree
            for part in key.split("."):
                assert part in place, key
                place = place[part]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_says_what_it_tries_and_fits_the_shipped_params_yaml(recipe):
    assert (ROOT / f"experiments/recipes/{recipe}.yaml").read_text().startswith("# Tries: ")
    tree, settings = with_recipe(recipe), read_recipe(recipe)
    parse_config(tree, recipe)
    if "sweep" in settings:
        parse_sweep(settings["sweep"], tree, recipe)


def test_every_pinned_requirement_is_used():
    modules = {
        "opencv-python-headless": "cv2",
        "pillow": "PIL",
        "scikit-learn": "sklearn",
        "iterative-stratification": "iterstrat",
    }
    # torchvision is what timm's models import, pyarrow what pandas' Parquet needs, onnxscript what torch.onnx needs, hatchling
    # what builds the wheel of a bundle, nbclient and ipykernel what runs the notebooks; the others are commands, or types.
    commands = {
        "hatchling",
        "nbclient",
        "ipykernel",
        "onnxscript",
        "pytest-xdist",
        "dvc",
        "ruff",
        "mypy",
        "pandas-stubs",
        "pre-commit",
        "torchvision",
        "pyarrow",
        "tzdata",
    }
    text = "\n".join(path.read_text() for folder in ("src", "pipelines", "tests") for path in (ROOT / folder).rglob("*.py"))
    pins = [line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    for pin in pins:
        module = modules.get(pin, pin.replace("-", "_"))
        assert pin in commands or f"import {module}" in text or f"from {module}" in text, pin
