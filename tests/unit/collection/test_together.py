"""What many tasks ask about raw samples is asked together, and each has its own answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from exporter.collection.together import SELECTOR, RawQuestion, Targets, Together
from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import parse_selector


class Server:
    """Answers with the series that a selector's matchers find, and notes what was asked."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self.series = [Series(each, [(1.0, float(i))]) for i, each in enumerate(labels)]
        self.asked: list[str] = []
        self.most = 100
        self.down = False

    async def ask(self, query: str, _at: int) -> Sequence[Series]:
        self.asked.append(query)
        await asyncio.sleep(0)
        if self.down:
            raise UnavailableError("nobody there")
        [text] = re.findall(r"a\{[^}]*\}|up\{[^}]*\}", query)
        selector = parse_selector(text)
        found = [
            each
            for each in self.series
            if all(
                re.fullmatch(m.value if m.op == "=~" else re.escape(m.value), each.labels[m.label])
                for m in selector.matchers
            )
        ]
        if len(found) > self.most:
            raise QueryRefusedError("too many samples")
        return found


def service(i: int, at: int = 60) -> RawQuestion:
    return RawQuestion(f"{SELECTOR}[1m]", parse_selector(f'a{{service="s{i}"}}'), at)


def run(server: Server, *tasks):
    """Run tasks, each a list of questions; the labels that answer each of them, or the error."""

    async def one(together: Together, questions):
        return [[s.labels for s in await together.series(each)] for each in questions]

    async def all_of_them():
        together = Together(server.ask)
        return await together.run([one(together, each) for each in tasks])

    return asyncio.run(all_of_them())


SERVICES = [{"service": f"s{i}"} for i in range(20)]


def test_questions_that_are_alike_are_one_query():
    """Round by round: a question waits until every task has one."""
    server = Server(*SERVICES)
    found = run(server, *([service(i), service(i, at=90)] for i in range(20)))
    assert found == [[[{"service": f"s{i}"}]] * 2 for i in range(20)]
    assert len(server.asked) == 2


def test_a_task_that_ends_holds_up_no_other():
    """Nor does one that asks nothing, or more than others."""
    server = Server(*SERVICES)
    found = run(server, [], [service(1)], [service(2), service(3), service(4)])
    assert [len(each) for each in found] == [0, 1, 3]
    assert len(server.asked) == 3


def test_one_alone_is_asked_as_it_is_written():
    """So is what all ask in the same words."""
    server = Server(*SERVICES)
    run(server, [service(1)], [service(1)])
    assert server.asked == ['a{service="s1"}[1m]']


def test_what_is_not_alike_is_asked_apart():
    """Other ranges, other times, other metrics."""
    server = Server(*SERVICES)
    other = RawQuestion(f"last_over_time({SELECTOR}[1m])", service(1).selector, 60)
    run(server, [service(1)], [service(2, at=90)], [other])
    assert len(server.asked) == 3


def test_targets_have_their_own_series():
    """Those of other jobs and instances are asked for by others."""
    labels = [{"job": job, "instance": instance} for job in "ab" for instance in "xyz"]
    server = Server(*labels)
    up = parse_selector("up")

    def of(jobs: str, instances: str) -> list[RawQuestion]:
        return [RawQuestion(SELECTOR, up, 60, Targets(frozenset(jobs), frozenset(instances)))]

    found = run(server, of("a", "x"), of("a", "xy"), of("b", "z"), of("ab", "x"))
    assert found == [
        [[{"job": "a", "instance": "x"}]],
        [[{"job": "a", "instance": "x"}, {"job": "a", "instance": "y"}]],
        [[{"job": "b", "instance": "z"}]],
        [[{"job": "a", "instance": "x"}, {"job": "b", "instance": "x"}]],
    ]
    assert len(server.asked) == 1


def test_what_is_refused_is_asked_in_halves():
    """Until it is answered; one that is refused alone has the error itself."""
    server = Server(*SERVICES, *[{"service": "s3"}] * 4)
    server.most = 3
    found = run(server, *([service(i)] for i in range(8)))
    assert isinstance(found[3], QueryRefusedError)
    for i in {*range(8)} - {3}:
        assert found[i] == [[{"service": f"s{i}"}]]


def test_an_error_is_everybodys():
    """Nobody waits for ever."""
    server = Server(*SERVICES)
    server.down = True
    found = run(server, *([service(i)] for i in range(8)))
    assert all(isinstance(each, UnavailableError) for each in found)


def test_cancelling_ends_it():
    """While an answer is waited for."""

    async def never(_query: str, _at: int) -> Sequence[Series]:
        await asyncio.Event().wait()
        return []

    async def main() -> None:
        together = Together(never)
        running = asyncio.create_task(together.run([together.series(service(1))]))
        for _ in range(5):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
