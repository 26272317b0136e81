"""What many tasks ask about raw samples is asked together, and each has its own answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from exporter.collection.raw_answers import by_key
from exporter.collection.raw_questions import SELECTOR, RawQuestion, Targets, together
from exporter.collection.together import Together
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import Selector, parse_selector
from exporter.slo.durations import parse_duration

TICK = 30
"""Seconds between the samples of a series, whose value is their time."""


class Server:
    """Answers with the series that a selector's matchers find, and notes what was asked."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self.labels = labels
        self.asked: list[str] = []
        self.most = 100
        self.longest = 12_000
        self.closed = False
        self.down = False

    async def ranges_closed(self) -> bool:
        return self.closed

    async def longest_query(self) -> int:
        return self.longest

    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        found = await self._found(query)
        if not query.endswith("]"):
            return [Series(each, [(float(at), at)]) for each in found]
        back = int(parse_duration(query.rpartition("[")[2].rstrip("]")))
        times = [
            t for t in range(0, at + 1, TICK) if t > at - back or (self.closed and t == at - back)
        ]
        return [Series(each, [(float(t), float(t)) for t in times]) for each in found]

    async def range_query(self, query: str, start: int, end: int, step: int) -> Sequence[Series]:
        times = [float(at) for at in range(start, end + 1, step)]
        return [Series(each, [(at, at) for at in times]) for each in await self._found(query)]

    async def _found(self, query: str) -> list[dict[str, str]]:
        self.asked.append(query)
        await asyncio.sleep(0)
        if self.down:
            raise UnavailableError("nobody there")
        [text] = re.findall(r"a\{[^}]*\}|up\{[^}]*\}", query)
        found = [each for each in self.labels if selects(parse_selector(text), each)]
        if len(found) > self.most:
            raise QueryRefusedError("too many samples")
        return found


def selects(selector: Selector, labels: dict[str, str]) -> bool:
    return all(
        re.fullmatch(m.value if m.op == "=~" else re.escape(m.value), labels[m.label])
        for m in selector.matchers
    )


def service(i: int, at: int = 600, back: int = 60, query: str = SELECTOR) -> RawQuestion:
    return RawQuestion(query, parse_selector(f'a{{service="s{i}"}}'), at, slot=30, back=back)


def run(server: Server, *tasks: list[RawQuestion]) -> list[Any]:
    """Run tasks, each a list of questions; the labels that answer each of them, or the error."""
    return [
        each if isinstance(each, Exception) else [[one.labels for one in found] for found in each]
        for each in answers(server, *tasks)
    ]


def answers(server: Server, *tasks: list[RawQuestion]) -> list[Any]:
    """The same with all that is answered."""

    async def one(together: Together, questions: list[RawQuestion]) -> Any:
        try:
            return [await together.series(each) for each in questions]
        except PrometheusError as error:
            return error

    async def all_of_them() -> list[Any]:
        together = Together(server, 4)
        with together.batch():
            return await together.run([one(together, each) for each in tasks])

    return asyncio.run(all_of_them())


SERVICES = [{"service": f"s{i}"} for i in range(20)]


class TestRounds:
    def test_questions_that_are_alike_are_one_query(self):
        """Round by round: a question waits until every task has one."""
        server = Server(*SERVICES)
        found = run(server, *([service(i), service(i, back=90)] for i in range(20)))
        assert found == [[[{"service": f"s{i}"}]] * 2 for i in range(20)]
        assert len(server.asked) == 2

    def test_a_task_that_ends_holds_up_no_other(self):
        """Nor does one that asks nothing, or more than others."""
        server = Server(*SERVICES)
        found = run(server, [], [service(1)], [service(2), service(3), service(4)])
        assert [len(each) for each in found] == [0, 1, 3]
        assert len(server.asked) == 3

    def test_parts_of_a_task_ask_together_with_others(self):
        """And the task goes on when all of them are done."""
        server = Server(*SERVICES)

        async def whole(together: Together, i: int) -> list[Sequence[Series]]:
            asked = [together.series(service(i, at)) for at in (600, 630)]
            found = await together.parts(asked)
            return [*found, await together.series(service(i, back=90))]

        async def main() -> list[Any]:
            together = Together(server, 4)
            with together.batch():
                return await together.run([whole(together, i) for i in range(5)])

        found = asyncio.run(main())
        assert [[one.labels for one in each[2]] for each in found] == [
            [each] for each in SERVICES[:5]
        ]
        assert len(server.asked) == 2

    def test_batches_that_are_present_are_waited_for(self):
        """They may ask something that is alike, once their own query is answered."""
        server, answered = Server(*SERVICES), asyncio.Event()

        async def batch(together: Together, numbers: Sequence[int], of: asyncio.Event) -> None:
            with together.batch():
                await of.wait()
                await together.run([together.series(service(i)) for i in numbers])

        async def main() -> None:
            together, at_once = Together(server, 4, patience=60), asyncio.Event()
            at_once.set()
            first = asyncio.create_task(batch(together, range(3), at_once))
            second = asyncio.create_task(batch(together, range(3, 6), answered))
            for _ in range(20):
                await asyncio.sleep(0)
            assert server.asked == []
            answered.set()
            await asyncio.gather(first, second)

        asyncio.run(main())
        assert len(server.asked) == 1

    def test_no_batch_is_waited_for_too_long(self):
        """A query may take its time, and hold up nobody else."""
        server = Server(*SERVICES)

        async def main() -> list[Any]:
            together = Together(server, 4, patience=0)
            with together.batch(), together.batch():  # one of them never gets to ask
                return await together.run([together.series(service(1))])

        [[found]] = asyncio.run(main())
        assert found.labels == {"service": "s1"}

    def test_an_error_is_everybodys(self):
        """Nobody waits for ever."""
        server = Server(*SERVICES)
        server.down = True
        found = run(server, *([service(i)] for i in range(8)))
        assert all(isinstance(each, UnavailableError) for each in found)

    def test_an_answer_for_other_moments_is_none(self):
        """A cache may answer with what it has."""

        class Cached(Server):
            async def range_query(
                self, query: str, start: int, end: int, step: int
            ) -> list[Series]:
                return [Series({"service": "s1"}, [(start - 1.0, 1.0)])]

        of = f"last_over_time({SELECTOR}[6h])"
        [found] = run(Cached(), [service(1, query=of)])
        assert found == [[]]
        tasks = [[service(1, at=at, query=of)] for at in (600, 630)]
        assert all(isinstance(each, UnavailableError) for each in run(Cached(), *tasks))

    def test_cancelling_ends_it(self):
        """While an answer is waited for; others who come later are answered."""

        class Hanging(Server):
            async def instant_query(self, query: str, at: int) -> Sequence[Series]:
                if at == 600:
                    await asyncio.Event().wait()
                return await super().instant_query(query, at)

        async def main() -> None:
            together = Together(Hanging(*SERVICES), 4)

            async def batch(at: int) -> list[Any]:
                with together.batch():
                    asked = [together.series(service(i, at)) for i in range(20)]
                    return await together.run(asked)

            for moments in (0, 1, 5, 50):
                running = asyncio.create_task(batch(600))
                for _ in range(moments):
                    await asyncio.sleep(0)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
                found = await batch(630)
                assert [one.labels for [one] in found] == SERVICES

        asyncio.run(main())


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
        assert [[own[key] for key in query.keys(each)] for each in asked] == [
            [[found[0]]],
            [[found[3]]],
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
