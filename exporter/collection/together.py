"""What tasks ask about raw samples at the same time, put together where it is alike.

Counting a slot from its raw samples takes several questions, each of which depends on the answers
before. As many SLOs go through them at once, as when a thousand series are born together, each
question waits until all of them have one; then those that are alike are one query
(`exporter.collection.raw_questions`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from exporter.collection.raw_answers import by_key, part_of
from exporter.collection.raw_questions import OneQuery, RawQuestion, together
from exporter.collection.shared import Shared
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series

R = TypeVar("R")

PATIENCE = 1.0
"""Seconds that questions wait for those of batches whose own query has not been answered yet."""

MOST_AT_ONCE = 8
"""Tasks that are begun, and answers that are dealt out, before others get to the event loop."""


class Source(Protocol):
    """Whom questions are asked: a `PrometheusClient`."""

    async def ranges_closed(self) -> bool:
        """Whether ranges include their own start."""

    async def longest_query(self) -> int:
        """How many characters a query may have."""

    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        """Evaluate a query at one time."""

    async def range_query(self, query: str, start: int, end: int, step: int) -> Sequence[Series]:
        """Evaluate a query at several."""


@dataclass(eq=False, slots=True)
class _Waiting:
    """One that waits for an answer; it counts for its task, if others of it do not."""

    question: RawQuestion
    counts: int
    answer: asyncio.Future[Shared[Series]] = field(default_factory=asyncio.Future)


_Askers = Mapping[RawQuestion, Sequence[_Waiting]]


class Together:
    """Puts together what tasks ask a source; `at_once` is how many queries are under way at most.

    A batch of SLOs is present (`batch`) from before its own query on, so that others wait for what
    it will ask: for `patience` seconds, as its query may take long. It has its tasks `run`; they
    ask by `series`, and by parts of their own, which they have run by `parts`.
    """

    def __init__(self, source: Source, at_once: int, patience: float = PATIENCE) -> None:
        self._source = source
        self._patience = patience
        self._room = asyncio.Semaphore(at_once)
        self._present = 0
        self._coming = 0
        self._working = 0
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._rounds: set[asyncio.Task[None]] = set()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """A batch is present."""
        self._present += 1
        self._coming += 1
        try:
            yield
        finally:
            self._present -= 1
            self._coming -= 1
            if self._present:
                self._look()
            else:  # nobody waits for an answer any more
                for round_ in self._rounds:
                    round_.cancel()

    async def run(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
        """Run the tasks of a batch, which ask here; give their results in turn.

        Raises:
            Exception: the first error of them, once all have ended.
        """

        def back() -> None:
            self._coming += 1

        self._coming -= 1
        return await self._run(tasks, back)

    async def parts(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
        """Run parts of one of the tasks at once; otherwise as `run`."""
        if len(tasks) == 1:
            return [await tasks[0]]

        def back() -> None:
            self._working += 1

        self._working -= 1
        return await self._run(tasks, back)

    async def _run(
        self, tasks: Sequence[Coroutine[Any, Any, R]], back: Callable[[], None]
    ) -> list[R]:
        """Run tasks; whoever waits for them comes `back` with the last one's end."""
        left = len(tasks)
        if not left:
            back()
            return []
        self._working += left

        async def one(task: Coroutine[Any, Any, R]) -> R:
            nonlocal left
            try:
                return await task
            finally:
                left -= 1
                self._working -= 1
                if not left:
                    back()
                self._look()

        begun: list[asyncio.Task[R]] = []
        try:
            for number, task in enumerate(tasks):
                begun.append(asyncio.create_task(one(task)))
                if number % MOST_AT_ONCE == MOST_AT_ONCE - 1:
                    await asyncio.sleep(0)  # so that others get to the loop in between
            await asyncio.gather(*begun, return_exceptions=True)
        finally:
            if left:  # cancelled before all had begun
                for each in begun:
                    each.cancel()
                await asyncio.gather(*begun, return_exceptions=True)
                for task in tasks:
                    task.close()
                self._working -= left
                back()
        return [each.result() for each in begun]

    async def series(self, question: RawQuestion) -> Shared[Series]:
        """Ask something; all who ask the same are given the same.

        Raises:
            PrometheusError: it was not answered.
        """
        [found] = await self.all_series([question])
        return found

    async def all_series(self, questions: Sequence[RawQuestion]) -> list[Shared[Series]]:
        """Ask several at once.

        Raises:
            PrometheusError: one of them was not answered.
        """
        waiting = [_Waiting(question, not i) for i, question in enumerate(questions)]
        self._waiting += waiting
        self._working -= 1
        self._look()
        try:
            return await asyncio.gather(*(each.answer for each in waiting))
        except asyncio.CancelledError:
            if waiting[0] in self._waiting:
                self._waiting = [each for each in self._waiting if each not in waiting]
                self._working += 1
            raise

    def _look(self) -> None:
        """Have all answered that wait once there is nobody left to wait for."""
        if self._working > 0 or not self._waiting:
            return
        if self._coming > 0:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._patience, self._go_on)
            return
        self._go_on()

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._working > 0 or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        self._working += sum(each.counts for each in waiting)
        round_ = asyncio.create_task(self._answer(waiting))
        self._rounds.add(round_)
        round_.add_done_callback(self._rounds.discard)

    async def _answer(self, waiting: Sequence[_Waiting]) -> None:
        askers: dict[RawQuestion, list[_Waiting]] = defaultdict(list)
        for each in waiting:
            askers[each.question].append(each)
        try:
            queries = await asyncio.to_thread(lambda: list(together(askers)))
            await asyncio.gather(*(self._answer_one(query, askers) for query in queries))
        except BaseException as error:
            _fail(waiting, error)
            if not isinstance(error, Exception):
                raise

    async def _answer_one(self, query: OneQuery, askers: _Askers) -> None:
        """Answer what one query asks: in halves if it is refused, or would be long."""
        try:
            if len(query.text) > await self._source.longest_query() and not query.alone:
                await self._answer_halves(query, askers)
                return
            async with self._room:
                found = await self._ask(query)
            await self._deal(query, found, askers)
        except QueryRefusedError as error:
            if query.alone:
                _fail(_of(query, askers), error)
            else:
                await self._answer_halves(query, askers)
        except Exception as error:  # noqa: BLE001 - it is those' who asked
            _fail(_of(query, askers), error)

    async def _answer_halves(self, query: OneQuery, askers: _Askers) -> None:
        halves = await asyncio.to_thread(lambda: list(query.halves()))
        await asyncio.gather(*(self._answer_one(half, askers) for half in halves))

    async def _ask(self, query: OneQuery) -> Sequence[Series]:
        if query.kind.of_samples or query.first == query.last:
            return await self._source.instant_query(query.text, query.last)
        slot = query.kind.slot
        return await self._source.range_query(query.text, query.first, query.last, slot)

    async def _deal(self, query: OneQuery, found: Sequence[Series], askers: _Askers) -> None:
        closed = await self._source.ranges_closed()
        own = await asyncio.to_thread(by_key, query, found)
        for number, question in enumerate(query.questions):
            of_all = [one for key in query.keys(question) for one in own.get(key, ())]
            parts = (part_of(one, question, query, closed) for one in of_all)
            answer = Shared(part for part in parts if part is not None)
            for each in askers[question]:
                if not each.answer.done():
                    each.answer.set_result(answer)
            if number % MOST_AT_ONCE == MOST_AT_ONCE - 1:
                await asyncio.sleep(0)


def _of(query: OneQuery, askers: _Askers) -> Iterator[_Waiting]:
    return (each for question in query.questions for each in askers[question])


def _fail(waiting: Iterable[_Waiting], error: BaseException) -> None:
    for each in waiting:
        if not each.answer.done():
            each.answer.set_exception(error)
