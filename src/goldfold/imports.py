"""Things that params.yaml names: an attribute of a library, a kind of input, or `my_module:MyThing` of the competitor's own."""

import difflib
import importlib
import importlib.util
import pkgutil
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from goldfold.errors import DiskError, InputError

EXTRAS = dict.fromkeys(("lightgbm", "xgboost", "catboost"), "pip install -r requirements-boosting.txt")
"""The commands that install modules which goldfold can use and does not bring."""
TRUSTED = (
    "goldfold",
    "own",
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "sklearn",
    *EXTRAS,
)
"""The packages whose classes a checkpoint may name: goldfold, the competitor's own, and the libraries that it is made of."""
Part = Literal["settings", "prepare", "learning", "outside", "files", "augmentation", "alike", "facts", "shown", "saliency"]
PARTS_OF_ALL = ("settings", "prepare", "learning", "outside")
"""The modules without which several kinds of input cannot be joined for what these do."""
REFUSALS = (TypeError, ValueError, AssertionError)
"""The errors by which a function refuses its arguments."""
OWN_KIND = re.compile(r"own(\.[A-Za-z_]\w*)+")
"""The packages that may be a kind of input of the competitor's own."""
SOURCE = Path(__file__).parent


def nearest(name: str, names: Sequence[str]) -> str:
    """Return `; did you mean …?` for the one of `names` that is most like `name`, or nothing when none is."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        lowered = {candidate.lower(): candidate for candidate in names}
        close = [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)]
    return f"; did you mean {close[0]}?" if close else ""


def modality_part(name: str, part: Part) -> Any:
    """Return a module of the kind of input `name`, see goldfold.modalities; raises InputError where it does not have it."""
    module = find_modality_part(name, part)
    if module is None:
        lacking = next(kind for kind in name.split("+") if find_modality_part(kind, part) is None)
        raise InputError(
            f"the kind of input {lacking} has no module {part}",
            mend=f"write {lacking.rpartition('.')[2]}/{part}.py; docs/kinds-of-input.md says what it defines",
        )
    return module


def find_modality_part(name: str, part: Part) -> Any | None:
    """Return a module of the kind of input `name`; None where it does not have it.

    Several kinds, as `image+table`, have a module of PARTS_OF_ALL where all of them do, and any other where one of them does.
    Raises InputError where there is no such kind.
    """
    if "+" in name:
        if len(set(name.split("+"))) < name.count("+") + 1:
            raise InputError(f"params.yaml, competition.modality: {name} names a kind of input twice", mend="name it once")
        kinds = [(kind.rpartition(".")[2], find_modality_part(kind, part)) for kind in name.split("+")]
        having = [(kind, module) for kind, module in kinds if module is not None]
        if not having or (part in PARTS_OF_ALL and len(having) < len(kinds)):
            return None
        return importlib.import_module(f"goldfold.modalities.fused.{part}").joined(having)
    shipped = known_modalities()
    if name not in shipped and not OWN_KIND.fullmatch(name):
        raise _no_kind(name, shipped)
    package = name if "." in name else f"goldfold.modalities.{name}"
    try:
        return importlib.import_module(f"{package}.{part}")
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.{part}".startswith(error.name):
            raise
        if error.name == f"{package}.{part}" and part != "settings":
            return None
        raise _no_kind(name, shipped) from None


def _no_kind(name: str, shipped: Sequence[str]) -> InputError:
    return InputError(
        f"params.yaml, competition.modality: there is no kind of input {name}{nearest(name, shipped)}",
        mend=f"give one of {', '.join(shipped)}, several as image+table, or a package of your own in src/own/, own.audio",
    )


def modality_modules(name: str, part: str) -> list[str]:
    """The names of the modules that a part of a kind of input is made of: of several joined, all of theirs."""
    singles = [single if "." in single else f"goldfold.modalities.{single}" for single in name.split("+")]
    return [f"{package}.{part}" for package in (["goldfold.modalities.fused"] if "+" in name else []) + singles]


def known_modalities() -> list[str]:
    """The kinds of input that goldfold brings."""
    packages = importlib.import_module("goldfold.modalities").__path__
    return [module.name for module in pkgutil.iter_modules(packages) if module.ispkg and module.name != "fused"]


def named(name: str, modules: Sequence[str], key: str) -> Any:
    """Return what `name` names: an import path `module:attribute`, or an attribute of the first module that has it.

    Raises InputError, naming the params.yaml `key` or the `--option`, when there is no such module or attribute.
    """
    if ":" in name:
        return _imported(name, key)
    names: list[str] = []
    for module in modules:
        attributes = vars(importlib.import_module(module))
        if name in attributes:
            return attributes[name]
        names += [attribute for attribute, value in attributes.items() if callable(value) and not attribute.startswith("_")]
    where = f"{', '.join(modules)} have" if len(modules) > 1 else f"{modules[0]} has"
    raise InputError(
        f"{_setting(key)}: {where} no {name}{nearest(name, names)}",
        mend="give a name that they have, or the import path of your own, own.module:Name (a file in src/own/)",
    )


def trusted(name: str, modules: Sequence[str], key: str, *kinds: type[Any]) -> Any:
    """Return what `name` names, as `named` does, if a checkpoint may: a class of `kinds`, or the competitor's own.

    Checkpoints are files, maybe a stranger's, and name what predicts by them; so nothing outside TRUSTED is even imported. Raises
    InputError for all else.
    """
    require_trusted(name, key)
    found = named(name, modules, key)
    own = callable(found) and str(getattr(found, "__module__", "")).partition(".")[0] == "own"
    if not own and not (isinstance(found, type) and issubclass(found, kinds)):
        named_kinds = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(f"{_setting(key)}: {name} is no class of {named_kinds}", mend="name one, or a function in src/own/")
    return found


def require_trusted(name: str, key: str) -> None:
    """Raise InputError for an import path into a package whose classes a checkpoint may not name."""
    if ":" in name and name.partition(":")[0].partition(".")[0] not in TRUSTED:
        raise InputError(
            f"{_setting(key)}: {name} is not of {', '.join(TRUSTED)}, and a checkpoint names nothing else",
            mend="import it in a module in src/own/, and name that: own.module:Name",
        )


def _imported(path: str, key: str) -> Any:
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise _broken(module_name, key, error) from error
        own = "put your own modules in src/own/ and name them own.module:Name"
        raise InputError(
            f"{_setting(key)}: there is no module {error.name} for {path}", mend=EXTRAS.get(error.name, own)
        ) from None
    # The competitor's own code may raise anything.
    except Exception as error:
        raise _broken(module_name, key, error) from error
    if not hasattr(module, attribute):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise InputError(
            f"{_setting(key)}: {module.__file__} has no {attribute}{nearest(attribute, names)}",
            mend=f"correct {key}, or define {attribute} there",
        )
    return getattr(module, attribute)


def _broken(module: str, key: str, error: Exception) -> InputError:
    """What the import of the competitor's own module raised, and where."""
    if isinstance(error, SyntaxError):
        where = f"{error.filename}, line {error.lineno}"
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        spec = importlib.util.find_spec(module)
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if spec and frame.filename == spec.origin]
        last = own[-1] if own else last
        where = f"{last.filename}, line {last.lineno}"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return InputError(
        f"{_setting(key)}: {module} cannot be imported: {type(error).__name__}: {message}", [where], "correct the module"
    )


def _setting(key: str) -> str:
    """Where a setting stands: in params.yaml, or as an option on the command line."""
    return key if key.startswith("--") else f"params.yaml, {key}"


def called(factory: Any, key: str, *args: Any, **kwargs: Any) -> Any:
    """Call `factory`, turning a refusal of its arguments into an InputError that names the `key` or `--option`."""
    try:
        return factory(*args, **kwargs)
    except InputError:
        raise
    except Exception as error:  # libraries refuse arguments by errors of many kinds
        if is_ours(error) and not isinstance(error, REFUSALS):
            raise
        name = getattr(factory, "__name__", str(factory))
        raise InputError(
            f"{_setting(key)}: {name} refused its arguments: {_first_line(error)}", mend=f"change the arguments under {key}"
        ) from error


@contextmanager
def refused(what: str, mend: str) -> Iterator[None]:
    """Turn what a library or the competitor's own code raises into an InputError; what goldfold raises is a bug of ours."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        disk = isinstance(error, OSError) and error.errno in DiskError.SAYS
        if disk or (is_ours(error) and not isinstance(error, MemoryError)):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{what}: {type(error).__name__}: {_first_line(error)}", [f"{last.filename}, line {last.lineno}"], mend
        ) from error


def is_ours(error: BaseException) -> bool:
    """Whether goldfold's own code raised an error, rather than what it called."""
    return Path(traceback.extract_tb(error.__traceback__)[-1].filename).is_relative_to(SOURCE)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), repr(error))
