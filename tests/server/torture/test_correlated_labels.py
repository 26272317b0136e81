"""SLOs whose labels vary together are asked together, and nobody is given what is another's.

`service` and `job` name the same thing, so twenty of each are asked for in one selector: it selects
all pairs of them. The names are such that a regular expression, a quote or a space would go wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.selectors import Matcher, Selector
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import EventsSli, Slo
from tests.helpers.integration.histories import END, growing, scrapes
from tests.helpers.integration.running import DELAY, slot_counts, status
from tests.helpers.integration.scenario import PERIOD, TOTAL, objective
from tests.helpers.torture.receivers import KINDS, Receiver, receiver_of
from tests.oracle import HOUR, Events, Labels, Samples, always_up, labels

START = END - 2 * HOUR
BORN = END - HOUR + 640
"""When a series begins in every service, and every other counter is reset."""

PLAIN = [f"s{n}" for n in range(24)]
TRICKY = ["a.b", "a+b", "(x)", "a|b", "[z]", "$e", "^b", "c*", "q?", "{2}", "\\d", "C:\\d", "a\\.b"]
QUOTED = ['say "hi"', "it's", "`tick`", "two words", "größe", "日本", "🙂", "tab\tbed", "%41&b=c"]
QUOTED += ["$selector", "$by"]
NAMES = PLAIN + TRICKY + QUOTED

TIMES = scrapes(START)


def series() -> dict[Labels, Samples]:
    """Every name's series; those of pairs that are nobody's, and of names that patterns match."""
    found = {}
    for n, name in enumerate(NAMES):
        own = {"service": name, "job": name, "instance": "a:80"}
        resets = {BORN: [1]} if n % 2 else {}
        found[labels(**own, code="200")] = growing(TIMES, n + 3, first=500, resets=resets)
        found[labels(**own, code="500")] = growing([t for t in TIMES if t > BORN], 1, first=2)
        # The absence of a zone is asked for.
        found[labels(**own, code="200", zone="b")] = growing(TIMES, 70_000)
        # Pairs that exist only crosswise, of two names that are both asked for.
        crosswise = {**own, "job": NAMES[(n + 1) % len(NAMES)]}
        found[labels(**crosswise, code="500")] = growing(TIMES, 90_000)
    for name in ("axb", "aab", "a", "b", "x", "z", "e", "cc", "q", "22", "7", "s0s", "hi", ""):
        own = {"service": name, "job": name, "instance": "a:80"} if name else {"instance": "a:80"}
        found[labels(**own, code="500")] = growing(TIMES, 80_000)
    return found


def up() -> dict[Labels, Samples]:
    """Every job is scraped."""
    return {labels(job=name, instance="a:80"): always_up(TIMES) for name in NAMES}


def slo(name: str) -> Slo:
    own = [Matcher("service", "=", name), Matcher("job", "=", name), Matcher("zone", "=", "")]
    total = Selector(TOTAL, tuple(own))
    bad = total.where(Matcher("code", "=~", "5.."))
    sli = EventsSli(total=str(total), bad=str(bad))
    return Slo(service=name, name="slo", sli=sli, objective=objective("99.5"), period=PERIOD)


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, prometheus_binary: Path) -> Iterator[Receiver]:
    """A server that holds all series; VictoriaMetrics where its variable names it."""
    with receiver_of(request.param, prometheus_binary) as receiver:
        for name, all_ in ((TOTAL, series()), ("up", up())):
            receiver.write((labels(**dict(own), __name__=name), of) for own, of in all_.items())
        yield receiver


def test_every_slot_is_the_oracles(server: Receiver):
    """Also where a series begins in all of them at once; in a query per twenty SLOs or so."""
    slos, queries = [slo(name) for name in NAMES], 0

    def count(*_: object) -> None:
        nonlocal queries
        queries += 1

    async def run() -> Engine:
        settings = PrometheusSettings(url=server.url)
        async with PrometheusClient(settings, on_query=count) as client:
            engine = Engine(slos, EvaluationSettings(), {"prometheus": client})
            await engine.poll(END + DELAY)
            return engine

    engine = asyncio.run(run())
    snapshot = engine.evaluate(END + DELAY)
    assert engine.problems() == {}
    stored, scraped = series(), up()
    for one in slos:
        of = {own: s for own, s in stored.items() if dict(own).get("job") == one.service}
        own = {each: s for each, s in of.items() if dict(each).get("service") == one.service}
        own = {each: s for each, s in own.items() if "zone" not in dict(each)}
        total, bad = Events(own, scraped), Events(own, scraped, labels(code="500"))
        held = slot_counts(engine, status(snapshot, one))
        known = {span: counts for span, counts in held.items() if span[0] >= START + 30}
        expected = {span: (bad.between(*span), total.between(*span)) for span in known}
        assert known == expected, one.service
        assert sum(bad for bad, _ in known.values()) > 0
    assert queries < len(slos)
