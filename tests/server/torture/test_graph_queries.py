"""What the page links to in Prometheus: a real server is asked, and the answers are known."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from exporter.prometheus.graph_queries import graph_queries
from exporter.prometheus.indicators import indicators
from exporter.slo.model import (
    EventsSli,
    LatencySli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Sli,
    ThresholdSli,
)
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.samples import slo
from tests.helpers.torture.receivers import Receiver, VictoriaMetrics
from tests.oracle import HOUR

SERVICE = "graphed"
ODD = 'u"s $1\\'
"""A region whose name means something wherever it is not taken for what it is."""

PER_SCRAPE = {"eu": (27, 3), ODD: (15, 15)}
"""Good and bad events; a scrape is every 30 s, so that is 1 a second in each."""

ONE = f'{{service="{SERVICE}"}}'


def only(inside: str) -> str:
    return f'{{service="{SERVICE}", {inside}}}'


@pytest.fixture(scope="module")
def shop(receiver: Receiver) -> Receiver:
    """A server with steady counters, histograms and gauges of two regions."""
    history = History(SERVICE)
    times = scrapes(END - HOUR)
    history.target(times)
    for region, (good, bad) in PER_SCRAPE.items():
        ways = {"region": region}
        history.counter("graphed_total", growing(times, good), code="200", **ways)
        history.counter("graphed_total", growing(times, bad), code="500", **ways)
        history.counter("graphed_seconds_bucket", growing(times, good), le="0.5", **ways)
        history.counter("graphed_seconds_bucket", growing(times, good), le="1.0", **ways)
        history.counter("graphed_seconds_count", growing(times, good + bad), **ways)
        probes = [(t, float(n % 30 < good)) for n, t in enumerate(times)]
        history.counter("graphed_up", [(t, up) for t, up in probes], **ways)
        history.counter("graphed_share", [(t, bad / 30) for t in times], **ways)
        for name, per_scrape in (("get", good), ("put", bad)):
            history.counter(f"graphed_{name}_total", growing(times, per_scrape), **ways)
    receiver.store([history])
    return receiver


def answer(server: Receiver, query: str) -> list[tuple[dict[str, str], float]]:
    with urlopen(f"{server.url}/api/v1/query?query={quote(query)}&time={END - 20}") as found:
        result = json.load(found)["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in result]


EVENTS = f"graphed_total{ONE}", "graphed_total" + only('code="500"')

KINDS: dict[str, tuple[Sli, list[str]]] = {
    "bad": (EventsSli(total=EVENTS[0], bad=EVENTS[1]), ["error ratio", "bad events", "all events"]),
    "good": (
        EventsSli(total=EVENTS[0], good="graphed_total" + only('code!="500"')),
        ["error ratio", "good events", "all events"],
    ),
    "several metrics": (
        EventsSli(
            total=f"{{__name__=~'graphed_(get|put)_total', service='{SERVICE}'}}",
            bad=f"graphed_put_total{ONE}",
        ),
        ["error ratio", "bad events", "all events"],
    ),
    "latency": (
        LatencySli(f"graphed_seconds{ONE}", 0.5),
        ["error ratio", "good events", "all events"],
    ),
    "latency of a whole bound": (
        LatencySli(f"graphed_seconds{ONE}", 1.0),
        ["error ratio", "good events", "all events"],
    ),
    "query": (
        QuerySli(
            total=f"sum by (region) (rate({EVENTS[0]}[$window]))",
            bad=f"sum by (region) (rate({EVENTS[1]}[$window]))",
        ),
        ["error ratio", "bad events", "all events"],
    ),
    "query that chooses": (
        QuerySli(
            total=f"sum by (region) (rate({EVENTS[0]}[$window]))",
            good=f"sum by (region) (rate(nothing_total[$window])) or "
            f"sum by (region) (rate(graphed_get_total{ONE}[$window]))",
        ),
        ["error ratio", "good events", "all events"],
    ),
    "ratio": (RatioSli(error=f"max by (region) (graphed_share{ONE})"), ["error ratio"]),
    "success": (RatioSli(success=f"1 - max by (region) (graphed_share{ONE})"), ["error ratio"]),
}


class TestAnswers:
    @pytest.mark.parametrize("region", PER_SCRAPE)
    @pytest.mark.parametrize("kind", KINDS)
    def test_they_are_of_the_group_alone(self, shop, kind, region):
        """Whatever is measured: one series, and its value."""
        sli, names = KINDS[kind]
        of = slo(sli=sli, group_by=("region",))
        asked = graph_queries(of, (region,), indicators(sli, ("region",))[0], 30.0)
        assert list(asked) == names
        good, bad = (count / 30 for count in PER_SCRAPE[region])
        right = {"error ratio": bad, "good events": good, "bad events": bad, "all events": 1.0}
        for name, query in asked.items():
            [(labels, value)] = answer(shop, query)
            assert labels.get("region") == region
            assert value == pytest.approx(right[name]), query

    def test_probes_are_shares_of_samples(self, shop):
        """An hour's pattern, of which the last window has a known part."""
        sli = ProbeSli(f"graphed_up{ONE}")
        of = slo(sli=sli, group_by=("region",))
        asked = graph_queries(of, (ODD,), indicators(sli, ("region",))[0], 30.0)
        values = {name: answer(shop, query)[0][1] for name, query in asked.items()}
        times = scrapes(END - HOUR)
        ups = [n % 30 < 15 for n, t in enumerate(times) if END - 320 < t <= END - 20]
        assert values["all events"] == len(ups) == 10
        assert values["good events"] == sum(ups)
        assert values["error ratio"] == pytest.approx(1 - sum(ups) / len(ups))

    def test_a_threshold_is_its_value_and_whether_it_is_bad(self, shop):
        """Two graphs, one above the other."""
        sli = ThresholdSli(f"graphed_share{ONE}", "<", 0.3)
        of = slo(sli=sli, group_by=("region",))
        for region, (value, bad) in {"eu": (0.1, 0.0), ODD: (0.5, 1.0)}.items():
            asked = graph_queries(of, (region,), indicators(sli, ("region",))[0], 30.0)
            assert list(asked) == ["value", "1 while it is bad"]
            found = [answer(shop, query)[0][1] for query in asked.values()]
            assert found == pytest.approx([value, bad])

    @pytest.mark.parametrize("kind", KINDS)
    def test_without_groups_all_are_one(self, shop, kind):
        """As one would write it: no empty `by`."""
        sli, _ = KINDS[kind]
        if isinstance(sli, QuerySli | RatioSli):
            return  # these say themselves what they add up
        asked = graph_queries(slo(sli=sli), (), indicators(sli, ())[0], 30.0)
        assert " by " not in "".join(asked.values())
        [(labels, value)] = answer(shop, asked["error ratio"])
        assert labels == {}
        assert value == pytest.approx(18 / 60)

    def test_a_native_histogram_is_asked_as_one(self, shop):
        """Prometheus takes the question; here there is none. VictoriaMetrics has none ever, and is
        never asked so: it does not know histogram_count."""
        sli = LatencySli(f"graphed_seconds{ONE}", 0.5)
        native = indicators(sli, ())[1]
        asked = graph_queries(slo(sli=sli), (), native, 30.0)
        assert list(asked) == ["error ratio", "good events", "all events"]
        assert "histogram_fraction(-Inf, 0.5, sum(rate(graphed_seconds{" in asked["error ratio"]
        if isinstance(shop, VictoriaMetrics):
            with pytest.raises(HTTPError, match="422"):
                answer(shop, asked["all events"])
        else:
            assert [answer(shop, query) for query in asked.values()] == [[], [], []]


class TestTexts:
    def test_they_are_as_one_would_write_them(self):
        """The selectors of the configuration, and the group."""
        sli = EventsSli(total='t{a="b"}', bad='t{a="b",code="500"}')
        asked = graph_queries(
            slo(sli=sli, group_by=("region",)), ("eu",), indicators(sli, ("region",))[0], 30.0
        )
        bad = 'sum by (region) (rate(t{a="b",code="500",region="eu"}[5m]))'
        total = 'sum by (region) (rate(t{a="b",region="eu"}[5m]))'
        assert asked == {"error ratio": f"{bad} / {total}", "bad events": bad, "all events": total}

    @pytest.mark.parametrize(
        ("interval", "window"),
        [(0.0, "5m"), (30.0, "5m"), (75.0, "5m"), (90.0, "6m"), (300, "20m")],
    )
    def test_a_rate_has_four_scrapes(self, interval, window):
        """With two, one scrape that fails would be a hole."""
        sli = EventsSli(total="t", bad="b")
        asked = graph_queries(slo(sli=sli), (), indicators(sli, ())[0], interval)
        assert asked["all events"] == f"sum(rate(t[{window}]))"
