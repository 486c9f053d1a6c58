"""What the cells of one column are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.config import Kind
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.schema.column import Column
from goldfold.schema.durations import are_durations, read_durations
from goldfold.schema.moments import CLOCKS, ISO, PERIODS, PLAUSIBLE, date_format, date_formats, read_dates, read_times
from goldfold.schema.numbers import WHOLE, number_format, plain_numbers, points_are_thousands, read_numbers, units_of
from goldfold.schema.zones import zones_of

NEARLY_ALL = 0.95
"""The share of a column's cells from which they say what it is; the others are odd."""
FEW_NUMBERS = 20
"""Different numbers up to which a column that also holds words is one of categories, such as 1, 2, 3+."""
SAMPLED, UNITS = 2000, 5
GIVEN = "as params.yaml says"
MISSING = frozenset(
    {
        *("?", "-", "--", "–", "—", ".", "na", "n/a", "#n/a", "nan", "-nan", "<na>", "nat", "null", "none", "missing", "nil"),
        *("inf", "+inf", "-inf", "infinity", "-infinity", "0000-00-00", "0000-00-00 00:00:00"),
        *("n.a.", "n.a", "n.d.", "\\n", "(null)", "[null]", "undefined", "#n/a n/a", "#na", "1.#qnan", "-1.#ind", "1.#inf"),
        *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"),
    }
)
"""Words that mean nothing among numbers, dates and truths, in any case."""
TRUTHS = (
    *(("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("nein", "ja"), ("non", "oui")),
    *(("falsch", "wahr"), ("faux", "vrai"), ("falso", "verdadero"), ("falso", "verdadeiro"), ("falso", "vero")),
)
"""The pairs of words that make a boolean, the true one second."""
CODES, FEW_TIMES = (1, 99, 999, 9999, 99999, 999999), 3
"""Numbers that people write for a missing value, with either sign, and how often one must stand in a column to be told."""
NUMBERED = (("0", "1"), ("0.0", "1.0"))
"""Truths as numbers, which programs write among the words of others."""
MOST_SPELLINGS, CODE_DIGITS = 32, 3
"""In how many cases, such as TRUE, True and true, the two words of a boolean may be written."""
DATED = ("date", "day", "time", "dt", "timestamp", "datum")
"""Words in a column's name from which eight digits such as 20190131 are a date, and ten or thirteen a moment since 1970."""
NO_YEARS = (1, 9999)
"""The first and the last year that programs know, of dates that stand for none, such as an end that is open."""
DIGITS_OF_DATES = r"^(?:(?:19|20)\d{6}|\d{10}|\d{13})$"
SEVERAL_WORDS, MANY_WORDS, LONG = 3.0, 7.0, 40.0
NUMBER_ALONE = r"[-+]?\d+(?:[.,]\d+)?"
NUMBER_WITHIN, WORD = r"(?<![\w.])\d+(?:[.,]\d+)?(?![\w])", r"[^\W\d_]{2,}"
UNSPACED = r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}"
"""Two characters of a script without spaces between words, which count as a word."""


def work_out_column(name: str, texts: pa.ChunkedArray, kind: Kind | None = None, missing: Collection[str] = ()) -> Column:
    """Work out what the stripped cells of a column are, of a given kind or of the one that they show."""
    counts = pc.value_counts(texts.combine_chunks())
    cells = counts.field("values").to_pandas().astype("str")
    numbers = pd.Series(counts.field("counts").to_numpy(), index=cells)
    empty = cells.isin(["", *missing]).to_numpy()
    codes = tuple(sorted(cell for cell in cells[empty] if cell))
    numbers = numbers[~empty]
    if numbers.empty:
        return Column(name, kind or "category", _default_format(kind), codes, why="all cells are empty")
    if kind in (None, "number") and (column := plain_column(name, pa.chunked_array([numbers.index.astype("str")]), kind)):
        return replace(column, missing=codes)
    words = numbers.index.str.casefold().isin(MISSING)
    if not words.all():
        codes = (*codes, *sorted(numbers.index[words]))
    rest = numbers[~words] if not words.all() else numbers
    tried: Sequence[Kind] = [kind] if kind else ("boolean", "date", "time", "duration", "number")
    for one in tried:
        column = _as_kind(name, rest, one, given=kind is not None)
        if column and column.kind == "time" and column.odd_cells and not kind:
            # Times beyond midnight say that all are durations.
            column = min(column, _as_kind(name, rest, "duration", given=False) or column, key=lambda read: read.odd_cells)
        if column:
            # A text or a category keeps such words: they may be names, as NA is Namibia's.
            keeps = column.kind in ("text", "category") and "numeric" not in column.format
            kept = tuple(sorted(cell for cell in codes if cell in missing)) if keeps else codes
            return replace(column, missing=tuple(sorted({*kept, *column.missing})))
    if kind:
        raise InputError(
            f"params.yaml, prepare.columns: no value of {name} is a {kind}",
            [f"{name} holds {', '.join(numbers.index[:5])}"],
            f"leave {name} out there, or call it category or drop",
        )
    kept = tuple(sorted(cell for cell in codes if cell in missing))
    worded = replace(worded_column(name, numbers), missing=kept)
    return worded if worded.doubt else replace(worded, doubt=_may_be_dates(name, pd.Series(rest.index, dtype="str")))


def _may_be_dates(name: str, cells: pd.Series) -> str:
    """A sentence on cells that are dates if the column is one of dates, as Jan-20 may be January 2020."""
    formats = date_formats(_sample(cells), dated=True)
    if not formats or _first_read(cells, formats).isna().any():
        return ""
    return f"may be dates, written {' or '.join(formats)}: prepare.columns: {{{name}: date}} if they are"


def plain_column(name: str, texts: pa.ChunkedArray, kind: Kind | None) -> Column | None:
    """The column of plain numbers and empty cells: a number, a date of eight digits, codes too long for one; else None."""
    is_filled = pc.not_equal(texts, "")
    filled = texts if pc.all(is_filled).as_py() else texts.filter(is_filled)
    values = plain_numbers(filled)
    if values is None or not len(values) or not np.isfinite(values).all() or points_are_thousands(filled):
        return None
    if kind is None and _is_dated(name) and pc.all(pc.match_substring_regex(filled, DIGITS_OF_DATES)).as_py():
        cells = pd.Series(filled.unique().to_pandas().astype("str"))
        date = date_format(cells, dated=True)
        if date and date[2].all():
            counted = f", {date[0]} since 1970" if date[0] in CLOCKS else ""
            return Column(name, "date", {"format": date[0]}, why=f"dates such as {cells[0]}{counted}")
    whole = values == np.round(values)
    if kind is None and (whole & (np.abs(values) >= WHOLE)).any() and whole.all():
        return Column(name, "category", why=f"codes such as {filled[0].as_py()}, too long for a number")
    why = "whole numbers" if whole.all() else "numbers"
    doubt = _code_for_missing(values) or (_as_codes(name, filled) if kind is None and whole.all() else "")
    return Column(name, "number", {}, why=why, whole=bool(whole.all()), doubt=doubt)


def _as_codes(name: str, cells: pa.ChunkedArray) -> str:
    """A sentence on whole numbers of one length of which some begin with a zero, as postcodes do."""
    zero = pc.starts_with(cells, "0")
    if not pc.any(zero).as_py():
        return ""
    lengths = pc.min_max(pc.utf8_length(cells)).as_py()
    if lengths["min"] != lengths["max"] or lengths["max"] < CODE_DIGITS:
        return ""
    return (
        f"all have {lengths['max']} digits, with zeros in front, as codes do: prepare.columns: {{{name}: category}} if they are"
    )


def _code_for_missing(values: Array) -> str:
    """A sentence on a number such as -999 that stands again and again, further from the others than these are apart."""
    for extreme, sign in ((values.min(), 1), (values.max(), -1)):
        if abs(extreme) not in CODES:
            continue
        others = values[values != extreme]
        times = len(values) - len(others)
        if times < FEW_TIMES or not len(others):
            continue
        gap = ((others * sign).min() - extreme * sign).item()
        apart = (others.max() - others.min()).item()
        if (gap > apart and abs(extreme) > 1) or (extreme == -1 and others.min() >= 0 and apart > FEW_NUMBERS):
            return f"{extreme:.0f} in {times} cells may mean a missing value: competition.missing: ['{extreme:.0f}']"
    return ""


def _as_kind(name: str, counts: pd.Series, kind: Kind, given: bool) -> Column | None:
    """The column as one of `kind`, or None where its cells are not; `counts` are those of the distinct cells."""
    cells = pd.Series(counts.index, dtype="str")
    format: Mapping[str, Any] = {}
    match kind:
        case "boolean":
            return boolean_column(name, cells)
        case "number" if given and (truths := boolean_column(name, cells)):
            return truths
        case "text":
            return Column(name, "text", why=GIVEN)
        case "category":
            numeric = number_format(pa.array(cells))
            is_numeric = numeric is not None and np.isfinite(numeric[1]).all()
            format = {"numeric": numeric[0].to_json()} if numeric and is_numeric else {}
            return Column(name, "category", format, why=GIVEN)
    sample = _sample(cells)
    read: Array | None = None
    why, missing, whole, doubt = "", tuple[str, ...](), False, ""
    others: list[Mapping[str, Any]] = []
    if kind == "date" and (dates := date_formats(sample, given or _is_dated(name))):
        format, others = {"format": dates[0]}, [{"format": one} for one in dates[1:]]
        moments = _first_read(cells, dates)
        none = moments.dt.year.isin(NO_YEARS)
        moments, missing = moments.mask(none), tuple(cells[none])
        read = moments.notna().to_numpy()
        why = _dates_why(dates, date_format(sample, given or _is_dated(name)), zones_of(sample))
        doubt = _date_for_missing(cells, moments, counts)
    elif kind == "time":
        read, why = read_times(cells).notna().to_numpy(), "times of day"
    elif kind == "duration" and (given or are_durations(sample)):
        read, why = read_durations(cells).notna().to_numpy(), "durations"
    elif kind == "number" and (number := number_format(pa.array(sample), given)):
        values = read_numbers(pa.array(cells), number[0])
        format, read = number[0].to_json(), np.isfinite(values)
        why = f"numbers, written {number[0]}" if format else "numbers"
        missing, whole = _codes(counts, read, values), bool((values[read] % 1 == 0).all())
        doubt = _code_for_missing(np.repeat(values[read], counts[read]))
        if not given and not read.all() and len(np.unique(values[read])) <= FEW_NUMBERS:
            return None
    if read is None or not read.any():
        return None
    is_odd = ~read & ~counts.index.isin(missing)
    odd = int(counts[is_odd].sum())
    if odd > (1 - NEARLY_ALL) * counts.sum() and not given:
        return None
    why = why if not given else GIVEN
    return Column(name, kind, format, missing, odd_cells=odd, why=why, whole=whole, doubt=doubt, others=tuple(others))


def _sample(cells: pd.Series) -> pd.Series:
    """Some of the cells, from all over the column."""
    return cells.iloc[np.unique(np.linspace(0, len(cells) - 1, min(len(cells), SAMPLED)).astype(int))]


def _first_read(cells: pd.Series, formats: Sequence[str]) -> pd.Series:
    """The moments of cells in the first of these formats that reads each."""
    moments = read_dates(cells, formats[0])
    for format in formats[1:]:
        moments = moments.where(moments.notna(), read_dates(cells, format))
    return moments


def _date_for_missing(cells: pd.Series, moments: pd.Series, counts: pd.Series) -> str:
    """A sentence on years to come, and on a date that stands again and again, further from the others than these are apart."""
    if (years := moments.dt.year.median()) > PLAUSIBLE[1]:
        return f"half of its years are from {years:.0f} on: another calendar's, or none?"
    for extreme in (moments.min(), moments.max()):
        is_extreme = moments == extreme
        others, times = moments[~is_extreme].dropna(), int(counts[is_extreme.to_numpy()].sum())
        if times < FEW_TIMES or others.empty:
            continue
        gap = min(abs(others.min() - extreme), abs(others.max() - extreme))
        if gap > others.max() - others.min():
            cell = cells[is_extreme].iloc[0]
            return f"{cell} in {times} cells may mean a missing date or an open end: competition.missing: ['{cell}']"
    return ""


def _codes(counts: pd.Series, read: Array, values: Array) -> tuple[str, ...]:
    """One or two words that stand again and again among many numbers: codes for a missing one."""
    others = counts[~read]
    few = len(others) <= 2 and (others > 2).all() and others.sum() < counts[read].sum()
    few = few and not others.index.str.contains(r"\d", regex=True).any()
    return tuple(others.index) if few and len(np.unique(values[read])) > FEW_NUMBERS else ()


def boolean_column(name: str, cells: pd.Series, pairs: Sequence[tuple[str, str]] = TRUTHS) -> Column | None:
    words = set(cells.str.casefold()) if len(cells) <= MOST_SPELLINGS else set()
    numbered = [pair for pair in NUMBERED if words & set(pair) and pair not in pairs]
    pair = next((pair for pair in pairs if words - {word for one in numbered for word in one} == set(pair)), None)
    if pair is None:
        return None
    no, yes = pair
    others = tuple({"words": list(one)} for one in numbered)
    why = " and ".join(f"{one[1]} or {one[0]}" for one in (pair, *numbered))
    return Column(name, "boolean", {"words": [no, yes]}, why=why, others=others)


def worded_column(name: str, counts: pd.Series) -> Column:
    """A column of texts or of categories."""
    cells, shares = counts.index.to_series(), counts.to_numpy() / counts.sum()
    words = cells.str.count(r"\s+").to_numpy() + 1 + cells.str.count(UNSPACED).to_numpy()
    lengths = cells.str.len().to_numpy()
    mean, length = float((words * shares).sum()), float((lengths * shares).sum())
    mostly_different = len(counts) > counts.sum() / 2
    is_text = (mean >= SEVERAL_WORDS and mostly_different) or (mean >= MANY_WORDS and len(counts) > FEW_NUMBERS)
    is_text |= length >= LONG and mostly_different and float(np.std(lengths)) > 1
    several = (cells.str.count(NUMBER_WITHIN) > cells.str.count(WORD).clip(lower=1)).to_numpy()
    if (is_text or len(counts) > FEW_NUMBERS) and (several * shares).sum() > NEARLY_ALL:
        shown = repr(cells.iloc[0][:30])
        made = "make a column of each, or features of your own"
        doubt = f"its cells hold several numbers each, such as {shown}, which no model reads: {made}"
        return Column(name, "category", why="several numbers in a cell", doubt=doubt)
    if is_text and len(counts) > 1:
        return Column(name, "text", why=f"texts of {mean:.0f} words on average" if mean >= SEVERAL_WORDS else "long texts")
    numbers = cells.str.fullmatch(NUMBER_ALONE).to_numpy()
    doubt = ""
    if (numbers * shares).sum() > 1 / 2 and numbers.sum() > FEW_NUMBERS:
        others = ", ".join(map(repr, cells[~numbers].head(3)))
        doubt = f"more than half of its cells are numbers, but {others} are none: competition.missing can name what means nothing"
    elif len(counts) > FEW_NUMBERS and len(units := units_of(pa.array(cells.head(SAMPLED)))) > 1:
        listed = ", ".join(unit or "no unit" for unit in units[:UNITS])
        doubt = (
            f"its cells are numbers with several units ({listed}), which are no numbers together: write them in one, or drop it"
        )
    return Column(name, "category", why=f"{len(counts)} different texts", doubt=doubt)


def _dates_why(formats: Sequence[str], best: tuple[str, tuple[str, ...], Array] | None, zones: Sequence[str]) -> str:
    if formats == [ISO]:
        return "dates"
    if formats[0] in PERIODS:
        return f"dates, the first day of each {formats[0]}"
    written = f"dates, written {' or '.join(formats)}"
    if any("%Z" in format for format in formats):
        written += f", with {', '.join(zones)}"
    others = best[1] if best else ()
    return f"{written}; {others[0]} would read them too, and scatters them more" if others else written


def _default_format(kind: Kind | None) -> Mapping[str, Any]:
    formats: Mapping[str, Mapping[str, Any]] = {"boolean": {"words": ["false", "true"]}, "date": {"format": ISO}}
    return formats.get(str(kind), {})


def _is_dated(name: str) -> bool:
    return any(word in name.casefold() for word in DATED)
