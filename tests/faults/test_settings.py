"""Whatever params.yaml says, `goldfold check` passes it or ends in one message for people: never a traceback."""

import json
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.conftest import ROOT, TINY

from goldfold.cli.main import run_command
from goldfold.config import load_config
from goldfold.config.recipe import parse_yaml, with_values
from goldfold.errors import InputError

SCHEMA = json.loads((ROOT / "params.schema.json").read_text())
TEXTS = (
    "",
    "x",
    "id",
    "answer",
    "é",
    "[/7]",
    "a b",
    "{id}",
    "{",
    "{x1!r}",
    "(",
    "a\nb",
    "..",
    "/",
    "own.nothing:Net",
    "os:system",
)
NAMES = ("adamw", "sgd", "StepLR", "OneCycleLR", "MixUp", "CutMix", "FocalLoss", "MSELoss", "NLLLoss", "Module", "linear", "mlp")
STEPS = ("threshold", "temperature", "clip", "rank", "accuracy", "roc_auc", "log_loss", "rmse", "f1", "HorizontalFlip", "OneOf")
NUMBERS = (-1, 0, 1, 2, 3, 7, 8, 32, 100, 10**6, 2**31, 2**32, 2**63, 10**400, 0.0, 0.5, 1.5, 1e-300, 1e308, -1e308)
ODD = st.sampled_from([None, True, False, [], {}, [[]], {"": 1}, *TEXTS, *NUMBERS, float("inf"), float("nan")])
COMPONENT = st.builds(
    lambda name, more: {"name": name, **more},
    st.sampled_from((*NAMES, *STEPS, *TEXTS)),
    st.dictionaries(st.sampled_from(("p", "lr", "alpha", "num_classes", "step_size", "weight", "value")), ODD, max_size=2),
)
MOST_MEMORY = 8 * 2**30


def values(schema):
    """Values that a part of the schema allows, those at its edges among them."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return COMPONENT if name == "Component" else values(SCHEMA["$defs"][name])
    if "anyOf" in schema:
        return st.one_of(*map(values, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of(*(values({**schema, "type": one}) for one in kind))
    if kind == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        fixed = "prefixItems" in schema
        return st.tuples(*map(values, items)).map(list) if fixed else st.lists(values(items[0]), min_size=1, max_size=2)
    if kind == "object" and "properties" in schema:
        parts = {name: values(part) for name, part in schema["properties"].items()}
        needed = {name: part for name, part in parts.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional={name: part for name, part in parts.items() if name not in needed})
    if kind in ("integer", "number"):
        bounds = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
        return st.sampled_from([number for number in (*NUMBERS, *bounds) if _is_within(number, schema)])
    if kind == "string":
        return st.sampled_from([*TEXTS, *NAMES, *STEPS])
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, ODD)


def _is_within(number, schema):
    least, most = schema.get("minimum", -(10**18)), schema.get("maximum", 10**18)
    above, below = schema.get("exclusiveMinimum", -(10**18)), schema.get("exclusiveMaximum", 10**18)
    return least <= number <= most and above < number < below and (schema["type"] == "number" or isinstance(number, int))


def keys(schema, above=""):
    """Each key of the schema by its dotted path, with its part."""
    if "$ref" in schema:
        yield from keys(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], above)
    for part in schema.get("anyOf", ()):
        yield from keys(part, above)
    for name, part in schema.get("properties", {}).items():
        if not above.endswith("optimizer."):
            yield f"{above}{name}", part
            yield from keys(part, f"{above}{name}.")


KEYS = [(key, part) for key, part in keys(SCHEMA) if key.count(".") < 4 and not key.startswith("competition.path")]
ALLOWED = [st.tuples(st.just(key), values(part)) for key, part in KEYS]
ANY = [st.tuples(st.just(key), ODD) for key, _ in KEYS]
CHANGES = st.lists(st.one_of(*ALLOWED, *ANY), min_size=1, max_size=3).map(dict)
LIKELY = st.lists(st.one_of(*ALLOWED), min_size=1, max_size=2).map(dict)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}


@pytest.fixture(scope="session")
def bases():
    """The settings to begin with: a table's and an image's."""
    table = parse_yaml(TINY, "")
    image = {"competition": {"path": "data/raw/tiny"}, "model": {"name": "test_resnet", "image_size": 32}}
    text = {**table, "competition": {**table["competition"], "modality": "text"}, "prepare": {"columns": ["colour"]}, "model": {}}
    return {"table": table, "text": text, "image": {**image, "split": {"n_folds": 2, "folds": [0]}, "train": {"seeds": [0]}}}


def written(tree):
    """A tree as JSON, which is YAML; numbers that JSON does not know as YAML writes them."""
    text = json.dumps(tree, ensure_ascii=False)
    return text.replace("-Infinity", "-.inf").replace("Infinity", ".inf").replace("NaN", ".nan")


def passes(function):
    """Whether a call ends well; InputError, the message for people, is the other way to end."""
    try:
        function()
    except InputError as error:
        assert str(error).strip()
        return False
    return True


@settings(max_examples=300, **QUIET)
@given(CHANGES, st.sampled_from(["table", "image", "text"]))
@example({"competition.modality": "fused"}, "image")
@example({"train.lr": 10**400}, "image")
def test_settings_are_read_or_refused(bases, tmp_path_factory, changes, kind):
    path = tmp_path_factory.getbasetemp() / "read.yaml"
    path.write_text(written(with_values(bases[kind], changes)))
    passes(lambda: load_config(path))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfet\x00r\x00a\x00",
        b"train: {loss: caf\xe9}",
        b"train: {loss: \0}",
        b'train: {loss: "\\0"}',
        b'train: {loss: "\\ud800"}',
        b"train: {lr: 2020-13-45}",
        b"train: {lr: 2020-01-01}",
        b'train: {lr: !!int "x"}',
        b'train: {lr: !!timestamp "x"}',
        b"train: {lr: " + b"9" * 5000 + b"}",
        b"train: {lr: " + b"9" * 4000 + b"}",
        b"train: " + b"{" * 3000,
        b"train: &a [*a]",
        b"train: !!python/object/apply:os.system [ls]",
        b"train: {? {a: 1} : 2}",
        b"",
        b"- 1",
        b"train: {lr: 1, lr: 2}",
        b"competition: {modality: fused}",
        b"competition: {modality: ..}",
        b"competition: {modality: image+image}",
        b"competition: {modality: [1]}",
        b"competition: []",
    ],
)
def test_a_file_that_is_no_params_yaml_is_refused(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_config(path)


@pytest.fixture
def checked(tiny_repository, digits, tmp_path, monkeypatch):
    """`goldfold check` in a folder with a small table and small images, with bounded memory."""
    tiny = tiny_repository / "data/raw/tiny"
    shared = {"table": tiny, "text": tiny, "image": digits.folder.parent / "digits"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, before[1]))

    def check(tree, kind):
        Path("data/raw").mkdir(parents=True, exist_ok=True)
        Path("data/raw/tiny").unlink(missing_ok=True)
        Path("data/raw/tiny").symlink_to(shared[kind])
        Path("params.yaml").write_text(written(tree))
        return passes(lambda: run_command(["check"]))

    yield check
    resource.setrlimit(resource.RLIMIT_AS, before)


@settings(max_examples=10, **QUIET)
@given(LIKELY, st.sampled_from(["table", "image", "text"]))
def test_settings_are_rehearsed_or_refused(bases, checked, changes, kind):
    checked(with_values(bases[kind], changes), kind)


@pytest.mark.faults
@settings(max_examples=400, **QUIET)
@given(LIKELY, st.sampled_from(["table", "image", "text"]))
def test_many_settings_are_rehearsed_or_refused(bases, checked, changes, kind):
    checked(with_values(bases[kind], changes), kind)
