"""Between masks and what the columns of a submission hold: run-length codes."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from goldfold.competition.contract import pair_ids
from goldfold.competition.problem import Problem
from goldfold.masks import code_of, joined, unpacked
from goldfold.masks.codes import area_of, connected_parts, runs_of
from goldfold.metrics import Array


def broken_codes(problem: Problem, ids: pd.Series, answers: pd.DataFrame, pixels: Mapping[str, int]) -> list[str]:
    """Codes whose runs are no runs, out of order, overlap within a mask or between the instances of an image, or leave it."""
    breaches, form = [], problem.mask_form
    for name in answers:
        ends: dict[str, int] = {}
        areas: dict[str, int] = {}
        codes: dict[str, list[str]] = {}
        for key, text in zip(ids, answers[name], strict=True):
            try:
                runs = runs_of(text, form)
            except ValueError as error:
                breaches.append(f"id {key}: {name} is no run-length code: {error}")
                continue
            area = int((runs[:, 1] - runs[:, 0]).sum())
            lengths = sum(map(int, text.split()[1::2])) if len(runs) else 0
            starts = list(map(int, text.split()[::2])) if len(runs) else []
            if area != lengths:
                breaches.append(f"id {key}: runs of {name} overlap")
            elif starts != sorted(starts):
                breaches.append(f"id {key}: runs of {name} are not in order")
            ends[key] = max(ends.get(key, 0), int(runs[-1, 1]) if len(runs) else 0)
            areas[key] = areas.get(key, 0) + area
            codes.setdefault(key, []).append(text)
        for key, parts in codes.items():
            if len(parts) > 1 and area_of(joined(parts, form), form) != areas[key]:
                breaches.append(f"id {key}: instances of {name} overlap")
            if ends.get(key, 0) > pixels.get(key, ends.get(key, 0)):
                breaches.append(f"id {key}: {name} has pixel {ends[key]}, and its image {pixels[key]} pixels")
    return breaches


def codes_of(problem: Problem, prediction: Array) -> pd.DataFrame:
    """The run-length codes of masks, a column for each class."""
    texts = np.array([_code(problem, cell) for cell in prediction.ravel()], dtype=object)
    return pd.DataFrame(texts.reshape(prediction.shape), columns=list(problem.targets))


def written_codes(problem: Problem, keys: pd.Series, prediction: Array, columns: list[str]) -> pd.DataFrame:
    """The codes of masks by key, or key and class; of instances a row for each, or one that is empty."""
    form = problem.mask_form
    if form.per == "instance":
        rows = [
            (key, code or form.empty)
            for key, cells in zip(_keys_of(problem, keys), prediction.ravel(), strict=True)
            for code in _instances(problem, cells)
        ]
        return pd.DataFrame({columns[0]: [code for _, code in rows]}, index=[key for key, _ in rows], dtype=object)
    texts = codes_of(problem, prediction).replace("", form.empty).to_numpy()
    if problem.pair_id:
        return pd.DataFrame({columns[0]: texts.ravel()}, index=_keys_of(problem, keys))
    return pd.DataFrame(texts, columns=columns, index=keys.to_numpy())


def _keys_of(problem: Problem, keys: pd.Series) -> Array:
    """The ids of the answers: those of the rows, or of each row and class."""
    return pair_ids(problem, keys).to_numpy().ravel() if problem.pair_id else keys.to_numpy()


def _code(problem: Problem, cell: bytes | str) -> str:
    """The code of a cell, or of a code as it is."""
    return cell if isinstance(cell, str) else code_of(unpacked(cell).mask(), problem.mask_form)


def _instances(problem: Problem, cell: bytes | str) -> list[str]:
    """The codes of a mask's connected parts; one empty text without any. A code stays whole."""
    if isinstance(cell, str):
        return [cell]
    return [code_of(part, problem.mask_form) for part in connected_parts(unpacked(cell).mask())] or [""]


def read_codes(problem: Problem, answers: pd.DataFrame, keys: pd.Series, columns: Sequence[str]) -> Array:
    """The codes of masks, (n, classes), of which several rows of an answer may be one."""
    names = [columns[0]] if problem.pair_id else list(columns)
    by_id = answers.groupby(level=0, sort=False)[names].agg(partial(joined, form=problem.mask_form))
    ids = pair_ids(problem, keys) if problem.pair_id else None
    wanted = [(names[0], ids[name]) for name in ids] if ids is not None else [(name, keys) for name in names]
    return np.stack([by_id[name].loc[list(rows)].to_numpy(dtype=object) for name, rows in wanted], axis=1)
