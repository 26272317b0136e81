"""Questions about raw samples that tasks ask at the same time, put together where they are alike.

Counting a slot from its raw samples takes several questions, each of which depends on the answers
before. As many SLOs go through them at once, as when a thousand series are born together, each
question waits until all of them have one; then those that are alike are one query.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from exporter.collection.planner import MOST_TOGETHER
from exporter.prometheus.abilities import SHORT_QUERY
from exporter.prometheus.alike import Cell, Shape, any_of, merged, shape_of, tiles
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import Matcher, Selector

R = TypeVar("R")

Ask = Callable[[str, int], Awaitable[Sequence[Series]]]
"""Sends an instant query, which is evaluated at some Unix seconds."""

SELECTOR = "$selector"

MOST_CHARS = SHORT_QUERY
"""Characters of a query that is put together: every server takes as many."""

MOST_AT_ONCE = 8
"""Answers that are dealt out before others get to the event loop."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Series of some targets alone: those with one of the jobs and one of the instances.

    Without `instances`, all those of the jobs.
    """

    jobs: frozenset[str]
    instances: frozenset[str] | None = None

    def matchers(self) -> tuple[Matcher, ...]:
        """What selects them."""
        of_jobs = Matcher("job", "=~", any_of(sorted(self.jobs)))
        if self.instances is None:
            return (of_jobs,)
        return of_jobs, Matcher("instance", "=~", any_of(sorted(self.instances)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels by which they are told apart."""
        return ("job",) if self.instances is None else ("job", "instance")

    def values(self) -> Iterator[Cell]:
        """The values that these labels may have."""
        instances = self.instances
        if instances is None:
            return ((job,) for job in sorted(self.jobs))
        return ((job, instance) for job in sorted(self.jobs) for instance in sorted(instances))


@dataclass(frozen=True, slots=True)
class RawQuestion:
    """A query about samples, whose answer keeps the labels that series are told apart by.

    `query` has `SELECTOR` where the selector stands, narrowed to the `targets`.
    """

    query: str
    selector: Selector
    at: int
    targets: Targets | None = None

    @property
    def text(self) -> str:
        """The query alone."""
        return self.query.replace(SELECTOR, str(_at_targets(self.selector, self.targets)))


AskRaw = Callable[[RawQuestion], Awaitable[Sequence[Series]]]
"""Asks a question, alone or together with others."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Questions that can be asked together; `by` are the labels that tell targets apart."""

    query: str
    at: int
    shape: Shape
    by: tuple[str, ...]


@dataclass(eq=False, slots=True)
class _Waiting:
    """One that waits for an answer."""

    question: RawQuestion
    answer: asyncio.Future[Sequence[Series]] = field(default_factory=asyncio.Future)


class Together:
    """Puts together what some tasks ask; they are run by `run`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._busy = 0
        self._waiting: list[_Waiting] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def run(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R | BaseException]:
        """Run tasks that ask here and nowhere else; give their results and errors in turn."""
        self._busy = len(tasks)
        try:
            return await asyncio.gather(*map(self._one, tasks), return_exceptions=True)
        finally:
            for round_ in self._rounds:
                round_.cancel()

    async def _one(self, task: Coroutine[Any, Any, R]) -> R:
        try:
            return await task
        finally:
            self._pause()

    def _pause(self) -> None:
        """Note that one of the tasks waits, or has ended; once all do, they are answered."""
        self._busy -= 1
        if self._busy <= 0 and self._waiting:
            waiting, self._waiting = self._waiting, []
            self._busy += len(waiting)
            round_ = asyncio.ensure_future(self._answer(waiting))
            self._rounds.add(round_)
            round_.add_done_callback(self._rounds.discard)

    async def series(self, question: RawQuestion) -> Sequence[Series]:
        """Ask something.

        Raises:
            PrometheusError: it was not answered.
        """
        waiting = _Waiting(question)
        self._waiting.append(waiting)
        self._pause()
        return await waiting.answer

    async def _answer(self, waiting: Sequence[_Waiting]) -> None:
        kinds: dict[_Kind, dict[Cell, list[_Waiting]]] = defaultdict(lambda: defaultdict(list))
        for each in waiting:
            question = each.question
            shape, cell = shape_of(question.selector)
            targets = question.targets
            by = () if targets is None else targets.labels
            kinds[_Kind(question.query, question.at, shape, by)][cell].append(each)
        asks = [
            self._answer_tile(kind, {cell: askers[cell] for cell in tile})
            for kind, askers in kinds.items()
            for tile in tiles(askers, MOST_TOGETHER)
        ]
        await asyncio.gather(*asks)

    async def _answer_tile(self, kind: _Kind, askers: Mapping[Cell, Sequence[_Waiting]]) -> None:
        """Answer questions that one query can ask: in halves if it is refused, or would be long."""
        waiting = [each for those in askers.values() for each in those]
        alone = all(each.question == waiting[0].question for each in waiting)
        selector, apart = merged(kind.shape, list(askers))
        if alone:  # as it was written
            text = waiting[0].question.text
        else:
            targets = _all_of([each.question.targets for each in waiting])
            text = kind.query.replace(SELECTOR, str(_at_targets(selector, targets)))
        if len(text) > MOST_CHARS and not alone:
            await self._answer_halves(kind, askers)
            return
        try:
            found = await self._ask(text, kind.at)
        except QueryRefusedError as error:
            if alone:
                _fail(waiting, error)
            else:
                await self._answer_halves(kind, askers)
        except BaseException as error:
            _fail(waiting, error)
            if not isinstance(error, Exception):
                raise
        else:
            await self._deal(kind, askers, apart, found)

    async def _answer_halves(self, kind: _Kind, askers: Mapping[Cell, Sequence[_Waiting]]) -> None:
        pairs = [(cell, each) for cell, those in askers.items() for each in those]
        middle = len(pairs) // 2
        for half in (pairs[:middle], pairs[middle:]):
            of_half: dict[Cell, list[_Waiting]] = defaultdict(list)
            for cell, each in half:
                of_half[cell].append(each)
            # Some of the cells of a tile may ask for many more than they want.
            for tile in tiles(of_half, MOST_TOGETHER):
                await self._answer_tile(kind, {cell: of_half[cell] for cell in tile})

    async def _deal(
        self,
        kind: _Kind,
        askers: Mapping[Cell, Sequence[_Waiting]],
        apart: Sequence[str],
        series: Sequence[Series],
    ) -> None:
        at = [kind.shape.labels.index(label) for label in apart]
        own: dict[Cell, list[Series]] = defaultdict(list)
        by = (*apart, *kind.by)
        for one in series:
            own[tuple(one.labels.get(name, "") for name in by)].append(one)
        for number, (cell, those) in enumerate(askers.items()):
            key = tuple(cell[i] for i in at)
            for each in those:
                targets = each.question.targets
                keys = [key] if targets is None else [key + of for of in targets.values()]
                if not each.answer.done():
                    each.answer.set_result([one for of in keys for one in own.get(of, ())])
            if number % MOST_AT_ONCE == MOST_AT_ONCE - 1:
                await asyncio.sleep(0)  # so that others get to the loop in between


def _all_of(targets: Iterable[Targets | None]) -> Targets | None:
    """The targets of all."""
    known = [each for each in targets if each is not None]
    if not known:
        return None
    jobs = frozenset(job for each in known for job in each.jobs)
    if known[0].instances is None:
        return Targets(jobs)
    return Targets(jobs, frozenset(one for each in known for one in each.instances or ()))


def _at_targets(selector: Selector, targets: Targets | None) -> Selector:
    return selector if targets is None else selector.where(*targets.matchers())


def _fail(waiting: Iterable[_Waiting], error: BaseException) -> None:
    for each in waiting:
        if not each.answer.done():
            each.answer.set_exception(error)
