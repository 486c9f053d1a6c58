import numpy as np
import pandas as pd
import pytest

from goldfold.modalities.table.alike import alike_rows
from goldfold.modalities.text.alike import alike_texts

TALE = "Through the fence, between the curling flower spaces, I could see them hitting towards where the flag waved"
OTHERS = [
    "Call me Ishmael. Some years ago, never mind how long precisely, having little money in my purse",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune must want a wife",
    "Happy families are all alike; every unhappy family is unhappy in its own way, they say",
]


def told(pairs):
    return pairs[["first", "second", "how"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("copy", "how"),
    [
        (TALE, "exact"),
        (TALE.upper().replace(",", " ;"), "exact"),
        (f"{TALE} https://t.co/abc", "exact"),
        (TALE.replace("could", "can"), "near"),
        (f"{TALE}, they said", "near"),
    ],
)
def test_a_text_of_the_same_words_is_found(copy, how):
    assert told(alike_texts([*OTHERS, TALE, copy])) == [[3, 4, how]]


def test_texts_of_the_same_few_words_in_another_order_are_none():
    draws = np.random.default_rng(0)
    words = ["ship", "wave", "salt", "harbour", "crew", "the", "a", "of"]
    assert len(alike_texts([" ".join(draws.permutation(words)) for _ in range(200)])) == 0


def test_short_texts_and_none_are_the_same_or_not():
    assert told(alike_texts(["", "", "no", "No!", "now", "..."])) == [[2, 3, "exact"]]
    assert len(alike_texts([])) == 0


def test_a_thousand_copies_of_a_text_make_as_many_pairs():
    assert len(alike_texts([*OTHERS, *[TALE] * 1000])) == 999


def numbers(columns, rows=200):
    return pd.DataFrame(np.random.default_rng(0).normal(size=(rows, columns)))


def test_rows_of_the_same_values_are_found():
    table = numbers(4)
    assert told(alike_rows(pd.concat([table, table.iloc[[7]]], ignore_index=True))) == [[7, 200, "exact"]]


@pytest.mark.parametrize(("columns", "found"), [(30, [[7, 200, "near"]]), (5, [])])
def test_of_many_columns_one_may_differ(columns, found):
    table = numbers(columns)
    copy = table.iloc[[7]].copy()
    copy.iloc[0, 2] = 5.0
    assert told(alike_rows(pd.concat([table, copy], ignore_index=True))) == found


def test_rows_of_few_values_are_the_same_by_chance():
    draws = np.random.default_rng(0)
    few = pd.DataFrame(
        {"sex": draws.choice(["f", "m"], 300), "class": draws.integers(1, 4, 300), "flag": draws.random(300) < 0.5}
    )
    assert few.duplicated().sum() > 200 and len(alike_rows(few)) == 0


def test_missing_values_are_values():
    table = numbers(6).mask(numbers(6) > 1.5)
    assert told(alike_rows(pd.concat([table, table.iloc[[3]]], ignore_index=True))) == [[3, 200, "exact"]]
