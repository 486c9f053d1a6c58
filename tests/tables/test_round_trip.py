"""A table of texts reads back the same from every dialect, encoding, compression and file type."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from goldfold.tables import header_of, read_text_table

WORDS = st.text(st.sampled_from("abcXYZ019 .:-_'éüß,;|\t\"\n"), min_size=1, max_size=12).filter(str.strip)
PACKERS = {"": lambda data: data, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@st.composite
def frames(draw):
    rows = draw(st.integers(3, 12))
    texts = draw(st.lists(WORDS, min_size=rows, max_size=rows))
    gaps = draw(st.lists(st.sampled_from(["", "NA", "007", "1.50", "x"]), min_size=rows, max_size=rows))
    return pd.DataFrame({"id": [str(number) for number in range(100, 100 + rows)], "text": texts, "a gap": gaps}, dtype="str")


def written(frame, kind, separator, end, encoding, quoting):
    if kind == "csv":
        text = frame.to_csv(index=False, sep=separator, lineterminator=end, quoting=quoting)
        return text.encode(encoding)
    if kind == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        return buffer.getvalue()
    records = frame.to_dict("records")
    return (json.dumps(records) if kind == "json" else "\n".join(map(json.dumps, records))).encode()


@settings(derandomize=True, max_examples=80, deadline=None, database=None)
@given(
    frame=frames(),
    kind=st.sampled_from(["csv", "csv", "csv", "parquet", "json", "jsonl"]),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ending=st.sampled_from(list(PACKERS)),
)
def test_the_same_cells_come_back(tmp_path_factory, frame, kind, separator, end, encoding, quoting, ending):
    assume(encoding != "cp1252" or not frame["text"].str.contains("[éüß]{3}").any())
    path = tmp_path_factory.mktemp("table") / f"t.{kind}{ending}"
    path.write_bytes(PACKERS[ending](written(frame, kind, separator, end, encoding, quoting)))
    pd.testing.assert_frame_equal(read_text_table(path).cells, frame)
    assert header_of(path) == list(frame)
