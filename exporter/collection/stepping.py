"""Tasks of a batch that ask about raw samples, each stepped from one question to the next.

They are coroutines, but no tasks of the event loop: thousands of them that wait for the same rounds
would cost more there than in what they do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

from exporter.collection.raw_questions import RawQuestion
from exporter.collection.shared import Shared
from exporter.prometheus.matrix import Series

R = TypeVar("R")

MOST_AT_ONCE = 8
"""Tasks that are stepped before others get to the event loop."""

Answers = list[Shared[Series]]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, which many may be told of, and where it came from."""

    error: BaseException
    origin: TracebackType | None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """An error as it is now."""
        return cls(error, error.__traceback__)

    def again(self) -> BaseException:
        """The error without the ways that it has gone since."""
        return self.error.with_traceback(self.origin)


@dataclass(eq=False, slots=True)
class Asked:
    """Questions that a task asks at once: awaiting them gives their answers in turn.

    `go_on` is called when all are answered, or one could not be; None once nobody waits for it.
    """

    questions: Sequence[RawQuestion]
    go_on: Callable[[Answers | Failure], None] | None = None
    _found: dict[int, Shared[Series]] = field(default_factory=dict)

    def __await__(self) -> Generator[Asked, Answers, Answers]:
        return (yield self)

    def answer(self, place: int, found: Shared[Series]) -> None:
        """Answer one of them."""
        self._found[place] = found
        if self.go_on is not None and len(self._found) == len(self.questions):
            self.go_on([self._found[place] for place in range(len(self.questions))])

    def fail(self, failure: Failure) -> None:
        """Tell that one of them cannot be answered."""
        if self.go_on is not None:
            self.go_on(failure)


@dataclass(eq=False, slots=True)
class Parts:
    """Parts of a task that are run at once: awaiting them gives what each comes to, in turn."""

    tasks: Sequence[Coroutine[Any, Any, Any]]

    def __await__(self) -> Generator[Parts, list[Any], list[Any]]:
        return (yield self)


@dataclass(eq=False, slots=True)
class _Group:
    """Tasks that are run together: a batch's, or the parts of its task `parent`."""

    parent: _Task | None
    left: int
    results: list[Any]
    failures: dict[int, Failure] = field(default_factory=dict)

    def outcome(self) -> list[Any] | Failure:
        """What each has come to, or why the first of those that failed did."""
        return self.failures[min(self.failures)] if self.failures else self.results


@dataclass(eq=False, slots=True)
class _Task:
    """One of a group, in a place of it; it goes on with what was `told` last."""

    steps: Coroutine[Any, Any, Any]
    group: _Group
    place: int
    told: list[Any] | Failure | None = None
    asked: Asked | None = None


class Steps:
    """Steps the tasks of one batch.

    `ask` is told what they ask. `rests` is told when none of them can go on, and when one can
    again; `resting` is which.
    """

    def __init__(self, ask: Callable[[Asked], None], rests: Callable[[bool], None]) -> None:
        self.resting = False
        self._ask = ask
        self._rests = rests
        self._ready: deque[_Task] = deque()
        self._some = asyncio.Event()
        self._alive: set[_Task] = set()

    async def run(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
        """Run all tasks to their ends; give their results in turn.

        Raises:
            Exception: the first error of them, once all have ended.
        """
        whole = self._begin(tasks, None)
        try:
            while whole.left:
                if not self._ready:
                    self._some.clear()
                    self._rest(True)
                    await self._some.wait()
                for _ in range(min(MOST_AT_ONCE, len(self._ready))):
                    self._step(self._ready.popleft())
                await asyncio.sleep(0)
        finally:  # there are some left if this was cancelled
            for task in self._alive:
                if task.asked is not None:
                    task.asked.go_on = None
                task.steps.close()
        found = whole.outcome()
        if isinstance(found, Failure):
            raise found.again()
        return found

    def _begin(self, tasks: Sequence[Coroutine[Any, Any, Any]], parent: _Task | None) -> _Group:
        group = _Group(parent, len(tasks), [None] * len(tasks))
        begun = [_Task(steps, group, place) for place, steps in enumerate(tasks)]
        self._alive.update(begun)
        self._ready += begun
        return group

    def _step(self, task: _Task) -> None:
        told, task.told = task.told, None
        try:
            if isinstance(told, Failure):
                wants = task.steps.throw(told.again())
            else:
                wants = task.steps.send(told)
        except StopIteration as end:
            self._end(task, end.value)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - theirs who run it
            task.group.failures[task.place] = Failure.of(error)
            self._end(task, None)
        else:
            if isinstance(wants, Asked):
                task.asked = wants
                wants.go_on = lambda answers: self._go_on(task, answers)
                self._ask(wants)
            elif isinstance(wants, Parts):
                if self._begin(wants.tasks, task).left == 0:
                    self._go_on(task, [])
            else:
                raise TypeError(f"a task waits for {wants!r}, which is nothing that it asks here")

    def _end(self, task: _Task, result: object) -> None:
        self._alive.discard(task)
        group = task.group
        group.results[task.place] = result
        group.left -= 1
        if not group.left and group.parent is not None:
            self._go_on(group.parent, group.outcome())

    def _go_on(self, task: _Task, told: list[Any] | Failure) -> None:
        if task.asked is not None:
            task.asked.go_on = None
            task.asked = None
        task.told = told
        self._ready.append(task)
        self._rest(False)
        self._some.set()

    def _rest(self, resting: bool) -> None:
        if resting != self.resting:
            self.resting = resting
            self._rests(resting)
