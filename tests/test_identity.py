"""An identity changes with what can change the result, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from goldfold import identity
from goldfold.identity import code_digest, import_closure, result_key, training_key

MACHINE = ["cpu", None, 1]
LEARNING = "goldfold.modalities.image.learning"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder for modules of the competitor's own, which can be imported."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "mine"


LOSS = '''"""My loss."""
import torch

from .parts import scale


def loss(logits, target):
    """Scaled."""
    return scale * torch.nn.functional.cross_entropy(logits, target)
'''


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("losses.py", LOSS.replace("scale *", "2 * scale *"), True),
        ("losses.py", "# a comment\n" + LOSS.replace("Scaled.", "Another docstring.").replace("\n\n\n", "\n\n\n\n"), False),
        ("parts.py", "scale = 3\n", True),
        ("parts.py", "scale = 2  # two\n", False),
        ("__init__.py", "import torch\n", True),
        ("next_loss.py", "tomorrow = 1\n", False),
        ("losses.py", "def loss(", True),
    ],
)
def test_of_own_code_what_params_yaml_names_and_what_that_imports_counts(digits, settings, own, file, text, changes):
    (own / "losses.py").write_text(LOSS)
    (own / "parts.py").write_text("scale = 2\n")
    config = settings(loss="mine.losses:loss")
    keys = lambda: (training_key(digits, 0, 0, config, MACHINE), result_key(digits, config))  # noqa: E731
    before = keys()
    (own / file).write_text(text)
    identity._syntax.cache_clear()
    assert [old != new for old, new in zip(before, keys(), strict=True)] == [changes, changes]


def test_what_pip_installed_into_any_folder_is_a_library(own, monkeypatch):
    (own / "losses.py").write_text("import __main__\nimport libraries_own\nfrom mine import parts\n")
    (own / "parts.py").write_text("scale = 2\n")
    target = own.parent / "target"
    (target / "libraries_own").mkdir(parents=True)
    (target / "libraries_own/__init__.py").write_text("import json\n")
    monkeypatch.syspath_prepend(target)
    monkeypatch.setattr("__main__.__spec__", None)
    seen = lambda: {name for name in import_closure(["mine.losses"]) if not name.startswith("goldfold")}  # noqa: E731
    assert seen() == {"mine", "mine.losses", "mine.parts", "libraries_own"}
    (target / "libraries_own-1.0.dist-info").mkdir()
    identity._root.cache_clear()
    assert seen() == {"mine", "mine.losses", "mine.parts"}


def test_own_code_that_makes_a_prepared_sets_inputs_counts(digits, settings, own):
    (own / "features.py").write_text("power = 2\n")
    prepared = replace(digits, own=("mine.features:mine",))
    keys = lambda: (training_key(prepared, 0, 0, settings(), MACHINE), result_key(prepared, settings()))  # noqa: E731
    before = keys()
    (own / "features.py").write_text("power = 3\n")
    identity._syntax.cache_clear()
    assert all(old != new for old, new in zip(before, keys(), strict=True))


def test_training_depends_on_no_module_that_only_shows_tracks_or_judges():
    modules = import_closure([*identity.TRAINING, LEARNING])
    apart = [
        "cli",
        "terminal",
        "tracking",
        "report",
        "audit",
        "pages",
        "validation",
        "prediction",
        "bundle",
        "doctor",
        "leaderboard",
    ]
    assert not [name for name in modules if name.split(".")[1] in apart]
    learned = ("training.losses", "training.step", "modalities.image.learning", "modalities.image.model", "metrics.label")
    assert {f"goldfold.{name}" for name in learned} <= set(modules)


def test_the_result_depends_on_how_it_is_judged_and_predicted():
    modules = import_closure([*identity.RESULT, LEARNING])
    assert {"goldfold.validation.uncertainty", "goldfold.prediction.submission"} <= set(modules)
    assert not [name for name in modules if name.split(".")[1] in ("cli", "terminal", "tracking", "report", "pages", "audit")]


def test_a_comment_or_a_docstring_of_goldfold_changes_no_code(tmp_path, monkeypatch):
    before = code_digest(LEARNING)
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: b'"""Another docstring."""\n# And a comment.\n' + read(path))
    identity._syntax.cache_clear()
    assert code_digest(LEARNING) == before
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"\nfurther = 1\n")
    identity._syntax.cache_clear()
    assert code_digest(LEARNING) != before
    identity._syntax.cache_clear()


def test_settings_without_effect_and_those_of_other_stages_change_no_training(digits, settings):
    same = settings(workers=7, max_hours=1.5, seeds=[0, 1])
    key, changed = (training_key(digits, 0, 0, config, MACHINE) for config in (settings(), same))
    assert key == changed
    others = [settings(lr=0.1), settings(precision="bf16"), settings(augment=())]
    assert len({key, training_key(digits, 1, 0, settings(), MACHINE), training_key(digits, 0, 1, settings(), MACHINE)}) == 3
    assert len({key, *(training_key(digits, 0, 0, each, MACHINE) for each in others)}) == 4
    assert training_key(digits, 0, 0, settings(), ["cpu", None, 2]) != key


def test_goldfold_packages_only_pass_names_on():
    """What import_closure looks through must hold no code of its own; the door in goldfold itself is for notebooks."""
    import ast

    for path in (identity.SOURCE / "goldfold").glob("*/**/__init__.py"):
        statements = [type(node) for node in ast.parse(path.read_text()).body if not identity._is_string(node)]
        assert set(statements) <= {ast.Import, ast.ImportFrom, ast.Assign}, path


def test_code_that_was_read_before_is_not_parsed_again_by_a_later_process(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(identity, "scratch_folder", lambda: tmp_path)
    parsed, of = [], identity._Syntax.of
    monkeypatch.setattr(identity._Syntax, "of", lambda content: parsed.append(1) or of(content))

    def in_a_new_process():
        parsed.clear()
        identity._syntax.cache_clear()
        identity._read_before.cache_clear()
        return code_digest(LEARNING), len(parsed)

    first, count = in_a_new_process()
    assert count > 10 and in_a_new_process() == (first, 0)
    # One that is cut is made again.
    file = tmp_path / identity.SYNTAX
    file.write_bytes(file.read_bytes()[:-9])
    assert in_a_new_process() == (first, count) and "cut or altered" in capsys.readouterr().err
    assert in_a_new_process() == (first, 0)
    identity._syntax.cache_clear()
    identity._read_before.cache_clear()
