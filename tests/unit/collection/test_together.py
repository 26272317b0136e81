"""What many tasks ask about raw samples is asked together, and each has its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from exporter.collection.raw_questions import SELECTOR
from exporter.collection.together import Together
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series
from tests.helpers.prometheus.raw_server import SERVICES, Server, run, service


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
