"""Identity: what a result depends on, as one hash of data, settings, versions, machine and code.

Of the code, the modules count that the result's own function imports, directly or not, and the competitor's own that
params.yaml names; and of these the syntax alone. So an edit that can change no result (a comment, a docstring, a page of the
report, a new file in src/own) changes no identity.
"""

import ast
import functools
import hashlib
import importlib.util
import json
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from goldfold.config import Config, FoldConfig
from goldfold.files import written_whole
from goldfold.imports import modality_modules
from goldfold.prepare import PreparedSet
from goldfold.scratch import SEAL, is_kept, repository, scratch_folder, seal

LIBRARIES = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "albumentations",
    "opencv-python-headless",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
)
WITHOUT_EFFECT = {"max_hours", "save_minutes", "keep_state", "workers", "profile"}
"""Settings of `train` that change neither weights nor scores."""
TRAINING = ("goldfold.training.train",)
RESULT = (*TRAINING, "goldfold.validation.cross_validation", "goldfold.prediction.test_set")
"""The modules of the functions that make a fold's result, and a whole pipeline's."""
SOURCE = Path(__file__).parents[1]
OWN = re.compile(r'"([A-Za-z_][\w.]*):\w+"')
SYNTAX, MOST_READ = "syntax.json", 2000
"""The file in scratch with the syntax of modules, and how many it holds."""
MODULE = re.compile(r"goldfold(\.\w+)+")


def training_key(
    prepared: PreparedSet, fold: int, seed: int, config: FoldConfig, machine: Sequence[Any], length: int | None = None
) -> str:
    """The identity of one training; `machine` is what its bits depend on: device, its precisions, threads, and devices.

    `length` is for how many epochs or rounds a refit is trained.
    """
    settings = config.model_dump(mode="json", include=set(FoldConfig.model_fields))
    settings["train"] = {name: value for name, value in _of_train(settings["train"]).items() if name != "seeds"}
    content = [prepared.fingerprint, fold, seed, settings, *machine, *([] if length is None else [length])]
    return _key(content, TRAINING, prepared.problem.modality, config, _of_prepared(prepared))


def result_key(prepared: PreparedSet, config: Config) -> str:
    """The identity of a pipeline's result, which its MLflow run bears.

    Of the sections that the prepared set is made by only what later stages read is hashed: its fingerprint knows the rest.
    """
    settings = config.model_dump(mode="json", by_alias=True, exclude={"competition", "split", "prepare"})
    settings["train"] = _of_train(settings["train"])
    if config.predict.refit is None:
        del settings["predict"]["refit"]
    threads, devices = settings["runtime"]["threads"], settings["runtime"]["devices_per_job"]
    settings["runtime"] = threads if devices == 1 else [threads, devices]
    content = [prepared.fingerprint, settings, config.split.folds, config.split.group]
    return _key(content, RESULT, prepared.problem.modality, config, _of_prepared(prepared))


def rehearsal_key(config: Config, files: Iterable[Path]) -> str:
    """The identity of a rehearsal: the settings, the code of the whole pipeline, and the size and date of each file."""
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
    content = [config.model_dump(mode="json", by_alias=True), stats]
    return _key(content, ("goldfold.rehearsal.once",), config.competition.modality, config)


def code_digest(*modules: str) -> str:
    """A hash of the syntax of these modules and of all of goldfold and the competitor's own that they import."""
    read = _read_before(scratch_folder() / SYNTAX)
    count = len(read)
    digest = _digest(import_closure(modules))
    if len(read) > count:
        _keep(scratch_folder() / SYNTAX, read)
    return digest


def module_digest(*modules: str) -> str:
    """A hash of the syntax of these modules of goldfold's alone."""
    return _digest({name: path for name in modules if (path := _file_of(name))})


def _digest(files: Mapping[str, Path]) -> str:
    lines = (f"{name} {_syntax(path, path.stat().st_mtime_ns).digest}" for name, path in sorted(files.items()))
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def import_closure(modules: Iterable[str]) -> dict[str, Path]:
    """The files of modules and of what they import, directly or not, by name; those of installed libraries are left out.

    A package of goldfold's only passes names on: what is imported from it is looked up where it is defined. Other packages run
    code of their own and count.
    """
    closure: dict[str, Path] = {}
    waiting = list(modules)
    # Files come and go from call to call, and not within one.
    file_of = functools.cache(_file_of)
    while waiting:
        name = waiting.pop()
        # This module can change no result.
        if name in closure or name == __name__:
            continue
        path = file_of(name)
        if path is None:
            continue
        closure[name] = path
        if not name.startswith("goldfold"):
            waiting += _parents(name)
        for module, attribute in _syntax(path, path.stat().st_mtime_ns).imports:
            waiting.append(_defined_in(_absolute(module, name, path), attribute, file_of))
    return closure


def _of_train(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of the section `train` changes a result; settings that came later count where they are used."""
    unused = {name for name in ("auxiliary",) if not settings[name]}
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT | unused}


def _of_prepared(prepared: PreparedSet) -> Any:
    """What names modules of the competitor's own that a prepared set's results depend on; its fingerprint knows the rest."""
    return [prepared.problem.to_json(), prepared.own]


def _key(content: Any, functions: Sequence[str], modality: str, config: FoldConfig, naming: Any = None) -> str:
    """The hash of some content as JSON, of the functions' code, of the files that the settings name, and of versions.

    Modules of the competitor's own that are named in `content` or `naming` count as code.
    """
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    named = set(OWN.findall(text + json.dumps(naming, ensure_ascii=False)))
    code = code_digest(*functions, *modality_modules(modality, "learning"), *sorted(named))
    digest = hashlib.blake2b(f"{text} {code} ".encode(), digest_size=10)
    libraries = [*LIBRARIES, *sorted({module.partition(".")[0] for module in named})]
    digest.update(", ".join(map(installed, libraries)).encode())
    labels = [repository() / config.train.pseudo.labels] if config.train.pseudo else []
    for path in (*config.model.files, *labels):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def installed(library: str) -> str:
    """The name and the version of a library; without the version where it is not installed."""
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return library


class _Syntax(NamedTuple):
    """A module's syntax as a hash, without comments, docstrings and formatting, and the modules and names that it imports.

    The name of a module of goldfold's as a text is an import too.
    """

    digest: str
    imports: list[tuple[str, str]]

    @classmethod
    def of(cls, content: bytes) -> "_Syntax":
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            # The import of the module says what is wrong.
            return cls(hashlib.blake2b(content).hexdigest(), [])
        imports: list[tuple[str, str]] = []
        waiting: list[Any] = [tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                node.body = []
            elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = [statement for statement in node.body if not _is_string(statement)]
            elif isinstance(node, ast.Import):
                imports += [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                imports += [("." * node.level + (node.module or ""), alias.name) for alias in node.names]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value):
                imports.append((node.value, ""))
            waiting += ast.iter_child_nodes(node)
        return cls(hashlib.blake2b(ast.dump(tree).encode()).hexdigest(), imports)


def _is_string(statement: ast.stmt) -> bool:
    """Whether a statement is a string alone: a docstring, or one that documents the name above it."""
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


@functools.lru_cache(maxsize=4096)
def _syntax(path: Path, _changed: int) -> _Syntax:
    content, read = path.read_bytes(), _read_before(scratch_folder() / SYNTAX)
    name = hashlib.blake2b(content + sys.version.encode(), digest_size=16).hexdigest()
    if name not in read:
        read[name] = _Syntax.of(content)
    return _Syntax(*read[name])


@functools.lru_cache(maxsize=1)
def _read_before(file: Path) -> dict[str, _Syntax]:
    """The syntax of all content that was read here or by an earlier process, which takes a second for all modules."""
    return json.loads(file.read_bytes()[:-SEAL]) if is_kept(file) else {}


def _keep(file: Path, read: dict[str, _Syntax]) -> None:
    """Keep what was read for later processes, the newest of it, if there is a scratch folder that takes it."""
    if file.parent.is_dir():
        newest = dict(list(read.items())[-MOST_READ:])
        with suppress(OSError), written_whole(file) as draft:
            draft.write_text(json.dumps(newest), encoding="utf-8")
            seal(draft)


def _absolute(module: str, importer: str, path: Path) -> str:
    """The absolute name of a module that `importer` names relatively."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parts = importer.split(".") if path.name == "__init__.py" else importer.split(".")[:-1]
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module[level:]] if module[level:] else [])])


def _defined_in(module: str, attribute: str, file_of: Callable[[str], Path | None]) -> str:
    """The module that an import reads: a submodule, or where a package of goldfold's has the name from."""
    path = file_of(module)
    if not attribute or path is None or path.name != "__init__.py":
        return module
    if file_of(f"{module}.{attribute}"):
        return f"{module}.{attribute}"
    if module.startswith("goldfold"):
        for source, name in _syntax(path, path.stat().st_mtime_ns).imports:
            if name == attribute:
                return _defined_in(_absolute(source, module, path), name, file_of)
    return module


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _file_of(name: str) -> Path | None:
    """The file of a module of goldfold's or the competitor's; none for one of a library, and where there is none."""
    root, *rest = name.split(".")
    root_path = _root(root, tuple(sys.path))
    if root_path is None:
        return None
    module = root_path.joinpath(*rest) if rest else root_path
    return next((path for path in (module / "__init__.py", module.with_name(f"{module.name}.py")) if path.is_file()), None)


@functools.lru_cache(maxsize=1024)
def _root(name: str, _search_path: tuple[str, ...]) -> Path | None:
    """Where a top-level module lies, without its suffix, if it belongs neither to Python nor to an installed library."""
    if name in ("goldfold", "own"):
        return SOURCE / name
    if name in sys.stdlib_module_names:
        return None
    try:
        spec = importlib.util.find_spec(name) if name else None
    except ValueError:
        # It was not imported from a file: __main__, or a module made by hand.
        return None
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    if Path(sysconfig.get_path("stdlib")) in origin.parents or origin.suffix != ".py":
        return None
    root = origin.parent if origin.name == "__init__.py" else origin.with_suffix("")
    # pip leaves a record beside what it installs, in whatever folder: that of an environment, of a user, or of --target.
    return None if any(root.parent.glob("*.dist-info")) else root
