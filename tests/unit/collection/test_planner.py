"""What is alike is asked together, and dealt out as if each had asked alone."""

from __future__ import annotations

import re
from collections import defaultdict

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection.planner import MOST_TOGETHER, place_of, plan
from exporter.prometheus.alike import MOST_VARYING
from exporter.prometheus.indicators import indicators
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import Question
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.model import EventsSli, LatencySli, ProbeSli, RatioSli

CONTEXT = QueryContext((), slot=30, interval=30, lookback=60)
NAMES = ("a", "b")
LABELS = ("service", "zone", "code")
VALUES = st.sampled_from(["x", "y", "x.y", "x|y", "5", ""])
SERIES = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), VALUES, VALUES, VALUES), st.integers(1, 1_000), max_size=30
)
MATCHERS = st.lists(
    st.builds(Matcher, st.sampled_from(LABELS), st.sampled_from(["=", "=", "=", "!="]), VALUES)
    | st.just(Matcher("code", "=~", "5.*")),
    max_size=3,
    unique=True,
)
QUESTIONS = st.tuples(
    st.builds(Selector, st.sampled_from(NAMES), MATCHERS.map(tuple)),
    st.sampled_from([(), ("service",), ("zone", "code"), ("absent",)]),
)


class Server:
    """Adds up what a selector finds, as `sum by (...)` does."""

    def __init__(self, series: dict[tuple[str, ...], int]) -> None:
        self.series = [
            (key[0], {name: value for name, value in zip(LABELS, key[1:], strict=True) if value}, n)
            for key, n in series.items()
        ]
        self.of_text: dict[str, tuple[Selector, QueryContext]] = {}

    def form(self, selector: Selector, context: QueryContext) -> str:
        text = f"sum by ({context.by}) ({selector})"
        self.of_text[text] = selector, context
        return text

    def answer(self, text: str) -> list[tuple[dict[str, str], int]]:
        selector, context = self.of_text[text]
        sums: dict[tuple[str, ...], int] = defaultdict(int)
        for name, labels, value in self.series:
            if name == selector.name and all(_matches(m, labels) for m in selector.matchers):
                sums[tuple(labels.get(label, "") for label in context.group_by)] += value
        found = [(dict(zip(context.group_by, key, strict=True)), n) for key, n in sums.items()]
        # A label without a value is absent from an answer.
        return [({k: v for k, v in labels.items() if v}, n) for labels, n in found]


def _matches(matcher: Matcher, labels: dict[str, str]) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return re.fullmatch(matcher.value, value) is not None


@given(SERIES, st.lists(QUESTIONS, min_size=1, max_size=20))
def test_dealing_out_is_asking_one_by_one(series, questions):
    """Whatever is alike: groups, labels that are absent, combinations that nobody wants."""
    server = Server(series)
    asked = [
        (Question(selector, server.form), QueryContext(by, slot=30, interval=30, lookback=60))
        for selector, by in questions
    ]
    found = plan(asked)
    dealt: dict[object, dict[tuple[str, ...], int]] = defaultdict(dict)
    for number, part in enumerate(found.parts):
        for labels, value in server.answer(part.text):
            dealt[place_of(found, number, labels)][tuple(sorted(labels.items()))] = value
    for (question, context), place in zip(asked, found.places, strict=True):
        alone: dict[tuple[str, ...], int] = {}
        for labels, value in server.answer(question.text(context)):
            alone[tuple(labels.get(name, "") for name in context.group_by)] = value
        together = {
            tuple(dict(labels).get(name, "") for name in context.group_by): value
            for labels, value in dealt[place].items()
        }
        assert together == alone


@pytest.mark.parametrize("others", [False, True])
def test_labels_that_vary_together_are_told_apart_by_both(others):
    """Also where a job has series of other services: nobody is given those."""
    count = 3 * MOST_VARYING
    series = {
        (NAMES[0], f"s{i}", f"j{k}", ""): 1_000 * i + k
        for i in range(count)
        for k in (range(count) if others else [i])
    }
    server = Server(series)
    context = QueryContext((), slot=30, interval=30, lookback=60)
    selectors = [
        Selector(NAMES[0], (Matcher(LABELS[0], "=", f"s{i}"), Matcher(LABELS[1], "=", f"j{i}")))
        for i in range(count)
    ]
    found = plan([(Question(selector, server.form), context) for selector in selectors])
    assert len(found.parts) == 3
    dealt = {
        place_of(found, number, labels): value
        for number, part in enumerate(found.parts)
        for labels, value in server.answer(part.text)
    }
    assert [dealt[place] for place in found.places] == [1_001 * i for i in range(count)]


def asked(slis, group_by=()):
    context = QueryContext(group_by, slot=30, interval=30, lookback=60)
    return [
        (question, context)
        for sli in slis
        for way in indicators(sli, group_by)
        for question in way.questions
    ]


class TestQueries:
    def test_slos_that_differ_in_a_label_are_one_query(self):
        """Good, bad and total, buckets and probes alike: a part for each expression of one."""
        for kind in (
            lambda s: EventsSli(f'a{{s="{s}"}}', bad=f'a{{s="{s}",code=~"5.."}}'),
            lambda s: EventsSli(f'a{{s="{s}"}}', good=f'b{{s="{s}"}}'),
            lambda s: LatencySli(f'h{{s="{s}"}}', 0.5),
            lambda s: ProbeSli(f'up{{s="{s}"}}'),
        ):
            for group_by, count in (((), MOST_TOGETHER), (("region",), 30), (("s",), 30)):
                one = plan(asked([kind("x")], group_by))
                all_ = plan(asked([kind(f"x{i}") for i in range(count)], group_by))
                assert len(all_.parts) == len(one.parts)
                for part in all_.parts:
                    assert part.labels == ("s",)
                    promql_parser.parse(part.text)
                promql_parser.parse(all_.text)

    def test_one_slo_is_asked_as_it_is_written(self):
        """So that people find their own selector."""
        found = plan(asked([ProbeSli('up{b="1", a="2"}')]))
        assert all('up{b="1",a="2"}' in part.text for part in found.parts)

    def test_what_is_equal_is_asked_once(self):
        """Two objectives of one SLI cost as much as one."""
        slis = [EventsSli('a{s="x"}', bad='a{s="x",code="500"}')] * 2
        found = plan(asked(slis))
        assert len(found.parts) == 2
        assert found.places[:2] == found.places[2:]

    def test_the_same_total_is_asked_once(self):
        """Whatever is bad of it."""
        found = plan(asked([EventsSli("a", bad="b"), EventsSli("a", bad="c")]))
        assert len(found.parts) == 3

    def test_free_queries_stay_apart(self):
        """Nobody knows what their labels do."""
        assert len(plan(asked([RatioSli(error='e{s="x"}'), RatioSli(error='e{s="y"}')])).parts) == 4
