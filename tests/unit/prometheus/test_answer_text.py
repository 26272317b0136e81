"""Answers whose labels have been read before say the same as if they were read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus import answer_text
from exporter.prometheus.answer_text import KnownLabels, parted
from exporter.prometheus.answers import read_answer
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series
from tests.helpers.thorough import examples

TEXTS = st.text(max_size=6) | st.sampled_from(
    ['},"values":[[', '"]]}', '"]}', '},"value":[', '1,"', '"],["', "values", "é", "\\", '\\"']
)
"""What labels may hold; some of it looks like what stands around samples."""

VALUES = st.floats(allow_nan=True, allow_infinity=True)
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=3)
SAMPLES = st.lists(st.tuples(st.integers(0, 2_000_000_000), VALUES), max_size=3)
ANSWERS = st.lists(st.tuples(LABELS, SAMPLES), max_size=4)


def written(value: float) -> str:
    """A value as Prometheus writes it."""
    return {inf: "+Inf", -inf: "-Inf"}.get(value, "NaN" if isnan(value) else repr(value))


def answer(series, *, vector: bool = False, close: bool = True, **more) -> bytearray:
    """The text of an answer, without blanks, as Prometheus writes it."""
    result = []
    for labels, samples in series:
        pairs = [[at, written(value)] for at, value in samples]
        own = {"value": pairs[0]} if vector else {"values": pairs}
        result.append({"metric": labels} | own)
    data = {"resultType": "vector" if vector else "matrix", "result": result}
    body = {"status": "success", "data": data} | more
    return bytearray(json.dumps(body, separators=(",", ":"), ensure_ascii=close).encode())


def told(found: Sequence[Series]):
    """Labels and samples, NaN as a text, so that they compare."""
    return [
        (each.labels, [(at, written(value)) for at, value in each.samples], each.histograms)
        for each in found
    ]


def expected(series):
    return [(labels, [(at, written(value)) for at, value in own], []) for labels, own in series]


@examples(200)
@given(st.lists(st.tuples(ANSWERS, st.booleans()), max_size=3))
def test_every_answer_says_what_is_in_it(answers):
    """Whichever came before; each twice, with other values, so that labels are known."""
    known = KnownLabels()
    for series, escaped in answers:
        for shift in (0, 1):
            these = [(own, [(at + shift, v) for at, v in samples]) for own, samples in series]
            found = read_answer(200, answer(these, close=escaped), known=known)
            assert told(found) == expected(these)
            newest = [samples[-1][1] if samples else nan for _, samples in these]
            matrix = found.newest() if these else np.zeros(0)
            np.testing.assert_array_equal(matrix, newest)


@examples(100)
@given(st.lists(st.tuples(LABELS, VALUES), min_size=1, max_size=4))
def test_so_does_every_vector(series):
    """The same, of instant queries."""
    known = KnownLabels()
    for at in (100, 101.5):
        these = [(labels, [(at, value)]) for labels, value in series]
        assert told(read_answer(200, answer(these, vector=True), known=known)) == expected(these)


ONE = [({"a": "1"}, [(60, 1.0)]), ({"a": "2"}, [(60, 2.0)])]


def test_labels_are_read_once(monkeypatch):
    """Of an answer with the same series only samples are read, and what comes behind them."""
    known, read = KnownLabels(), []
    original = answer_text.labels_of
    monkeypatch.setattr(answer_text, "labels_of", lambda text: read.append(1) or original(text))
    for value in (1.0, 2.0):
        series = [(labels, [(60, value)]) for labels, _ in ONE]
        found = read_answer(200, answer(series, stats={"took": value}), known=known)
        assert found.values.tolist() == [value, value]
    assert read == [1]
    assert told(found) == expected(series)


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text[:-1],
        lambda text: text.replace(b"success", b"error"),
        lambda text: text.replace(b"]]}", b"]}", 1),
        lambda text: text[: text.index(b'"2"}')],
        lambda text: text.replace(b'"2.0"', b'"two"'),
    ],
)
def test_an_answer_that_is_none_is_found_out_though_its_labels_are_known(broken):
    """It was cut off, or is something else."""
    known = KnownLabels()
    whole = answer(ONE)
    read_answer(200, bytearray(whole), known=known)
    with pytest.raises(UnavailableError):
        read_answer(200, bytearray(broken(bytes(whole))), known=known)


def test_warnings_are_seen_behind_labels_that_are_known():
    """Data are missing, though the series are all there."""
    known = KnownLabels()
    read_answer(200, answer(ONE), known=known)
    warnings = ["PromQL error: fetching from store failed: No StoreAPIs matched"]
    with pytest.raises(UnavailableError, match="incomplete"):
        read_answer(200, answer(ONE, warnings=warnings, isPartial=True), known=known)


def test_a_series_behind_those_that_are_known_is_not_left_out():
    """One without samples, or with a native histogram."""
    known = KnownLabels()
    read_answer(200, answer(ONE), known=known)
    found = read_answer(200, answer([*ONE, ({"a": "3"}, [])]), known=known)
    assert told(found)[-1] == ({"a": "3"}, [], [])


def test_samples_are_not_those_of_a_series_without_any():
    """Its text is then the same as that of one whose samples were parted from it."""
    known, three = KnownLabels(), [*ONE, ({"a": "3"}, [(60, 3.0)])]
    read_answer(200, answer(three), known=known)
    three[1] = ({"a": "2"}, [])
    assert told(read_answer(200, answer(three), known=known)) == expected(three)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"status":"success"}', b'},"values":[["]]}'])
def test_what_is_no_answer_is_not_parted_into_one(text):
    """Nothing is made up."""
    with pytest.raises(UnavailableError):
        read_answer(200, bytearray(text), known=KnownLabels())


def test_an_answer_with_blanks_is_read_as_well():
    """Some proxies write it again."""
    text = bytearray(json.dumps(json.loads(answer(ONE))).encode())
    assert parted(text) is None
    assert told(read_answer(200, text)) == expected(ONE)
