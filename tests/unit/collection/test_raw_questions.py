"""Which questions about raw samples are one query, and which part of its answer is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from exporter.collection.raw_answers import by_key
from exporter.collection.raw_questions import SELECTOR, RawQuestion, Targets, together
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import parse_selector
from exporter.slo.durations import parse_duration
from tests.helpers.prometheus.raw_server import SERVICES, Server, answers, run, service


class TestQueries:
    def test_one_alone_is_asked_as_it_is_written(self):
        """So is what all ask in the same words."""
        server = Server(*SERVICES)
        run(server, [service(1)], [service(1)])
        assert server.asked == ['a{service="s1"}[1m]']

    def test_what_is_not_alike_is_asked_apart(self):
        """Other ranges, other metrics."""
        server = Server(*SERVICES)
        other = service(1, query=f"last_over_time({SELECTOR}[1m])")
        run(server, [service(1)], [service(2, back=90)], [other])
        assert len(server.asked) == 3

    def test_samples_of_several_metrics_are_one_query(self):
        """They keep their names; what functions make of them does not."""
        asked = [service(1), RawQuestion(SELECTOR, parse_selector('b{service="s2"}'), 600, 30, 60)]
        [query] = together(asked)
        assert query.text == '{__name__=~"a|b",service=~"s1|s2"}[1m]'
        found = [Series({"__name__": m, "service": s}, []) for m in "ab" for s in ("s1", "s2")]
        own = by_key(query, found)
        assert [(of, [own[key] for key in keys]) for of, keys in query.whose()] == [
            (asked[0], [[found[0]]]),
            (asked[1], [[found[3]]]),
        ]
        of_values = [replace(each, query=f"last_over_time({SELECTOR}[6h])") for each in asked]
        assert len([*together(of_values)]) == 2

    def test_targets_have_their_own_series(self):
        """Those of other jobs and instances are asked for by others."""
        labels = [{"job": job, "instance": instance} for job in "ab" for instance in "xyz"]
        server = Server(*labels)
        up = parse_selector("up")

        def of(jobs: str, instances: str) -> list[RawQuestion]:
            targets = Targets(frozenset(jobs), frozenset(instances))
            return [RawQuestion(SELECTOR, up, 600, 30, 60, targets)]

        found = run(server, of("a", "x"), of("a", "xy"), of("b", "z"), of("ab", "x"))
        assert found == [
            [[{"job": "a", "instance": "x"}]],
            [[{"job": "a", "instance": "x"}, {"job": "a", "instance": "y"}]],
            [[{"job": "b", "instance": "z"}]],
            [[{"job": "a", "instance": "x"}, {"job": "b", "instance": "x"}]],
        ]
        assert len(server.asked) == 1

    def test_what_is_refused_is_asked_in_halves(self):
        """Until it is answered; one that is refused alone has the error itself."""
        server = Server(*SERVICES, *[{"service": "s3"}] * 4)
        server.most = 3
        found = run(server, *([service(i)] for i in range(8)))
        assert isinstance(found[3], QueryRefusedError)
        for i in {*range(8)} - {3}:
            assert found[i] == [[{"service": f"s{i}"}]]

    def test_a_query_is_as_short_as_the_server_wants_it(self):
        """Longer ones are not even tried."""
        server = Server(*SERVICES)
        server.longest = 60
        found = run(server, *([service(i)] for i in range(20)))
        assert found == [[[each]] for each in SERVICES]
        assert 1 < len(server.asked) < 10
        assert max(map(len, server.asked)) <= 60


class TestMoments:
    @pytest.mark.parametrize("closed", [False, True])
    def test_samples_of_several_moments_are_one_range(self, closed):
        """Each has those that it would have had alone, at the edges, too."""
        server = Server(*SERVICES)
        server.closed = closed
        tasks = [[service(i, at)] for i in (1, 2) for at in (600, 630, 690)]
        assert answers(server, *tasks) == [answers(server, each)[0] for each in tasks]
        assert server.asked[0] == 'a{service=~"s1|s2"}[2m30s]'
        assert len(server.asked) == 1 + len(tasks)

    def test_values_at_several_moments_are_one_range_query(self):
        """Each has that of its own time."""
        server = Server(*SERVICES)
        of = f"last_over_time({SELECTOR}[6h] offset 30s)"
        tasks = [[service(i, at, query=of)] for i in (1, 2) for at in (600, 630, 690)]
        assert answers(server, *tasks) == [answers(server, each)[0] for each in tasks]
        assert len(server.asked) == 1 + len(tasks)

    def test_moments_that_are_far_apart_are_asked_apart(self):
        """What lies in between would cost more than another query."""
        server = Server(*SERVICES)
        run(server, [service(1)], [service(1, at=600 + 14 * 86_400)])
        assert server.asked == ['a{service="s1"}[1m]'] * 2

    def test_what_one_query_reads_besides_is_bounded(self):
        """Many series, each at another moment of a day: all of them are not read all day long."""
        server = Server(*({"service": f"s{i}"} for i in range(2_000)))
        server.most, server.longest = 2_000, 100_000
        found = run(server, *([service(i, at=600 + 30 * i)] for i in range(2_000)))
        assert found == [[[{"service": f"s{i}"}]] for i in range(2_000)]
        ranges = [parse_duration(each.rpartition("[")[2].rstrip("]")) for each in server.asked]
        read = sum(
            each.count("s") * int(seconds)
            for each, seconds in zip(server.asked, ranges, strict=True)
        )
        assert 3 <= len(server.asked) <= 60
        assert read / 30 < 2_000 * 2_000

    def test_halves_are_of_time_in_the_end(self):
        """One series of which too much is asked at once."""

        class Short(Server):
            async def instant_query(self, query: str, at: int) -> Sequence[Series]:
                found = await super().instant_query(query, at)
                if len(found[0].samples) > 4:
                    raise QueryRefusedError("too many samples")
                return found

        server = Short(*SERVICES)
        tasks = [[service(1, at)] for at in range(600, 900, 30)]
        assert answers(server, *tasks) == answers(Server(*SERVICES), *tasks)
