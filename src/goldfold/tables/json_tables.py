"""Reading tables in JSON: records, columns, lines of records, and images with annotations."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.tables.text import TEXT

Record = Mapping[str, Any]


class _Number(str):
    """A number as it is written."""


def read_json(path: Path, text: str) -> tuple[dict[str, pa.ChunkedArray], dict[str, str], Array, list[str]]:
    """Return the columns, the reasons for those left out, the rows of the file and remarks.

    Raises InputError for what is no JSON, or no table.
    """
    remarks: list[str] = []
    records, rows = _records(path, text, remarks)
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    columns, left_out = {}, {}
    for name in names:
        values = [record.get(name) for record in records]
        if reason := next(filter(None, map(_nested, values)), None):
            left_out[name] = reason
        else:
            columns[name] = pa.chunked_array([pa.array([_text(value) for value in values], TEXT)])
    return columns, left_out, rows, remarks


def _records(path: Path, text: str, remarks: list[str]) -> tuple[list[Record], Array]:
    try:
        records = _records_of(path, _loads(text), remarks)
        return records, np.arange(len(records)) + 2
    except RecursionError:
        raise InputError(f"{path} is nested too deep for a table", mend="save it as a list of records") from None
    except json.JSONDecodeError as whole:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        records = []
        for number, line in lines:
            try:
                record = _loads(line)
            except json.JSONDecodeError as error:
                where, error = (f"row {number}", error) if len(records) else (f"row {whole.lineno}", whole)
                raise InputError(f"{path} is not JSON: {where}: {error.msg}", mend="fetch it again") from None
            if not isinstance(record, dict):
                raise InputError(f'{path}: row {number} is not a record, such as {{"id": 1}}', [line[:80]]) from None
            records.append(record)
        return records, np.array([number for number, _ in lines])


def _loads(text: str) -> Any:
    return json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_record)


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A record of its pairs; raises InputError for a name that stands twice, of which JSON would keep the last."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"a record of a JSON table has several values called {twice}", mend="give each a name of its own")
    return record


def _records_of(path: Path, value: Any, remarks: list[str]) -> list[Record]:
    """The records of a JSON value in any of the usual forms."""
    if _is_records(value):
        return list(value)
    if isinstance(value, dict) and value:
        if {"columns", "data"} <= value.keys() and all(isinstance(value[key], list) for key in ("columns", "data")):
            rows = [row if isinstance(row, list) else [row] for row in value["data"]]
            return [dict(zip(map(str, value["columns"]), row, strict=False)) for row in rows]
        if _is_records(value.get("images")) and _is_records(value.get("annotations")):
            return _annotated(value, remarks)
        if all(isinstance(item, dict) for item in value.values()):
            return _by_key(value)
        lists = {name: item for name, item in value.items() if _is_records(item)}
        if lists and ("images" in lists or len(lists) == 1):
            name = "images" if "images" in lists else next(iter(lists))
            if others := [other for other in value if other != name]:
                remarks.append(f"its table is {name}; it also holds {', '.join(others)}, which were left out")
            return list(lists[name])
        if lists:
            raise InputError(f"{path} holds several tables", list(lists), "save the one that is meant as a file of its own")
        lengths = {len(item) if isinstance(item, list) else -1 for item in value.values()}
        if len(lengths) == 1 and lengths != {-1}:
            return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
        if not any(isinstance(item, list | dict) for item in value.values()):
            return [{"key": key, "value": item} for key, item in value.items()]
    raise InputError(
        f"{path} holds no table",
        ["its records are looked for as a list, as lines, as columns, and as images with annotations"],
        'save it as a list of records, such as [{"id": 1, "label": "a"}]',
    )


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _by_key(value: dict[str, dict[str, Any]]) -> list[Record]:
    """The records of pandas' columns, {"a": {"0": 1}}, or of records by their keys, {"x.jpg": {"a": 1}}."""
    keys = list(dict.fromkeys(key for item in value.values() for key in item))
    if _count(keys) or (not _count(list(value)) and len(keys) > len(value)):
        return [{name: column.get(key) for name, column in value.items()} for key in keys]
    return list(value.values()) if _count(list(value)) else [{"key": key, **item} for key, item in value.items()]


def _count(keys: list[str]) -> bool:
    """Whether keys are only numbers of rows."""
    return bool(keys) and all(key.isdecimal() for key in keys)


def _annotated(value: dict[str, Any], remarks: list[str]) -> list[Record]:
    """A record per image, with its annotations, and their categories, joined to it."""
    categories = {str(item.get("id")): item for item in value.get("categories", ()) if isinstance(item, dict)}
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for annotation in value["annotations"]:
        category = categories.get(str(annotation.get("category_id")), {})
        more = {f"category_{key}": item for key, item in category.items() if key != "id"}
        by_image.setdefault(str(annotation.get("image_id")), []).append({**annotation, **more})
    fields = list(dict.fromkeys(key for group in by_image.values() for item in group for key in item if key != "image_id"))
    taken = {key for image in value["images"] for key in image}
    renamed = {key: f"annotation_{key}" if key in taken else key for key in fields}
    several = {key: any(len({json.dumps(item.get(key)) for item in group}) > 1 for group in by_image.values()) for key in fields}
    remarks.append("its annotations, and their categories, were joined to its images by image_id, one row for an image")
    if clashes := [f"{key} as {new}" for key, new in renamed.items() if key != new]:
        remarks.append(f"what images and annotations both have stands twice: the annotations' {', '.join(clashes)}")
    if lists := [renamed[key] for key in fields if several[key]]:
        remarks.append(f"images have several annotations, so that these are lists: {', '.join(lists)}")
    records: list[Record] = []
    for image in value["images"]:
        group = by_image.get(str(image.get("id")), [])
        joined = {renamed[key]: _joined([item.get(key) for item in group], several[key]) for key in fields} if group else {}
        records.append({**image, **joined})
    return records


def _joined(values: list[Any], several: bool) -> Any:
    return values if several else values[0]


def _nested(value: Any) -> str | None:
    """The reason why a value is no cell."""
    if isinstance(value, dict):
        return "a struct, not a value"
    nested = isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    return "lists of lists or structs, not a value" if nested else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return str(value)
    return "[" + ",".join(map(_json, value)) + "]"


def _json(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
