"""Questions about raw samples, and which of them one query can ask. Pure.

Questions that differ in the values of equality matchers alone are one selector with sets of values
(`exporter.prometheus.alike`). Those that are asked at several moments are one query, too: samples
over a range that holds all of theirs, and values at every slot from the first to the last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.prometheus.alike import Cell, Shape, any_of, merged, shape_of, tiles
from exporter.prometheus.selectors import Matcher, Selector, label_list
from exporter.slo.durations import format_duration

SELECTOR = "$selector"
"""Stands in a query where the selector does."""

NAME = "__name__"

BY = "$by"
"""Stands behind the labels that a query groups by: those that tell series apart come there."""

MOST_CELLS = 2_000
"""Selectors that are put together into one."""

MOST_POINTS = 200_000
"""Points of one answer, as they are guessed: some ten megabytes. What is longer after all is
refused, and asked for in halves."""

QUERY_POINTS = 2_000
"""Points that cost as much as one more query does."""

SERIES, SCRAPE = 2, 30
"""What a selector is taken to have: so many series, scraped every so many seconds."""


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

    - `query`: has `SELECTOR` where the selector stands, narrowed to the `targets`. If it is nothing
      else, the samples themselves are asked for.
    - `at`: when it is evaluated, Unix seconds.
    - `slot`: the length in seconds of the slot that it is about.
    - `back`: of samples, how far back from `at` they are asked for, in seconds.
    """

    query: str
    selector: Selector
    at: int
    slot: int
    back: int = 0
    targets: Targets | None = None
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash it once: it is looked up again and again, and holds much."""
        held = self.query, self.selector, self.at, self.slot, self.back, self.targets
        object.__setattr__(self, "_hash", hash(held))

    def __hash__(self) -> int:
        return self._hash

    @property
    def of_samples(self) -> bool:
        """Whether samples are asked for."""
        return self.query == SELECTOR


@dataclass(frozen=True, slots=True)
class Kind:
    """Questions that can be asked together; `by` are the labels that tell targets apart."""

    query: str
    slot: int
    back: int
    phase: int
    shape: Shape
    by: tuple[str, ...]

    @property
    def of_samples(self) -> bool:
        """Whether samples are asked for."""
        return self.query == SELECTOR

    def points(self, cells: int, first: int, last: int) -> int:
        """How many points an answer for so many cells is likely to have, from the first time to the
        last (Unix seconds)."""
        span = last - first
        each = (span + self.back) // SCRAPE if self.of_samples else span // self.slot + 1
        return cells * SERIES * each


@dataclass(frozen=True, slots=True)
class OneQuery:
    """Questions that one query asks; `apart` tells the labels that tell their cells apart."""

    kind: Kind
    questions: Mapping[RawQuestion, Cell]
    text: str
    apart: tuple[str, ...]
    first: int
    last: int

    @property
    def alone(self) -> bool:
        """Whether it is one question."""
        return len(self.questions) == 1

    def halves(self) -> Iterator[OneQuery]:
        """The same questions in two queries or more: by their series first, then by time."""
        questions = sorted(self.questions, key=lambda each: (self.questions[each], each.at))
        middle = len(questions) // 2
        for half in (questions[:middle], questions[middle:]):
            yield from together(half)

    def key_of(self, labels: Mapping[str, str]) -> Cell:
        """What tells whom a series of the answer is for."""
        return tuple(labels.get(name, "") for name in (*self.apart, *self.kind.by))

    def whose(self) -> Iterator[tuple[RawQuestion, list[Cell]]]:
        """Each of the questions, and the keys of the series that answer it."""
        labels = self.kind.shape.labels
        places = [labels.index(label) for label in self.apart]
        for question, cell in self.questions.items():
            key = tuple([cell[place] for place in places])
            if question.targets is None:
                yield question, [key]
            else:
                yield question, [key + of for of in question.targets.values()]


def together(questions: Iterable[RawQuestion]) -> Iterator[OneQuery]:
    """Put questions together: equal ones once, those that are alike in few queries."""
    kinds: dict[Kind, dict[Cell, list[RawQuestion]]] = defaultdict(lambda: defaultdict(list))
    for question in dict.fromkeys(questions):
        shape, cell = shape_of(question.selector)
        if question.of_samples and shape.name is not None:  # samples keep the names of metrics
            shape = Shape(None, shape.matchers, (NAME, *shape.labels))
            cell = (str(question.selector.name), *cell)
        by = () if question.targets is None else question.targets.labels
        times = question.slot, question.back, question.at % question.slot
        kinds[Kind(question.query, *times, shape, by)][cell].append(question)
    for kind, of_cells in kinds.items():
        for part in _in_time(kind, of_cells):
            for tile in tiles(part, MOST_CELLS):
                yield _one(kind, {each: cell for cell in tile for each in part[cell]})


def _in_time(
    kind: Kind, of_cells: Mapping[Cell, Sequence[RawQuestion]]
) -> Iterator[dict[Cell, list[RawQuestion]]]:
    """Cut questions into such that are asked from their first to their last moment for all cells.

    What that asks for besides costs less than queries of their own.
    """
    runs = [(run, cell) for cell, those in of_cells.items() for run in _runs(kind, those)]
    runs.sort(key=lambda each: (each[0][0].at, each[0][-1].at, each[1]))
    part: dict[Cell, list[RawQuestion]] = {}
    first = last = 0
    for run, cell in runs:
        low, high = run[0].at, run[-1].at
        if part:
            cells = len(part) + (cell not in part)
            all_ = kind.points(cells, first, max(last, high))
            apart = kind.points(len(part), first, last) + kind.points(1, low, high)
            if all_ > min(MOST_POINTS, apart + QUERY_POINTS):
                yield part
                part = {}
        first, last = (first, max(last, high)) if part else (low, high)
        part.setdefault(cell, []).extend(run)
    if part:
        yield part


def _runs(kind: Kind, questions: Sequence[RawQuestion]) -> Iterator[list[RawQuestion]]:
    """The questions of one cell, cut where a query of its own costs less, or one would be long."""
    run: list[RawQuestion] = []
    for question in sorted(questions, key=lambda each: each.at):
        if run:
            more = kind.points(1, run[-1].at, question.at) - kind.points(1, 0, 0)
            if more > QUERY_POINTS or kind.points(1, run[0].at, question.at) > MOST_POINTS:
                yield run
                run = []
        run.append(question)
    yield run


def _one(kind: Kind, questions: Mapping[RawQuestion, Cell]) -> OneQuery:
    first, last = min(each.at for each in questions), max(each.at for each in questions)
    apart: tuple[str, ...] = ()
    selector = next(iter(questions)).selector
    if any(each.selector != selector for each in questions):  # else as it was written
        selector, apart = merged(kind.shape, [*dict.fromkeys(questions.values())])
        names = [each.value for each in selector.matchers if (each.label, each.op) == (NAME, "=")]
        if names:
            selector = selector.without(NAME).renamed(names[0])
    targets = _all_of({each.targets for each in questions})
    if targets is not None:
        selector = selector.where(*targets.matchers())
    by = "".join(f", {label_list([label])}" for label in apart)
    text = kind.query.replace(BY, by).replace(SELECTOR, str(selector))
    if kind.of_samples:
        text += f"[{format_duration(last - first + kind.back)}]"
    return OneQuery(kind, questions, text, apart, first, last)


def _all_of(targets: Iterable[Targets | None]) -> Targets | None:
    """The targets of all."""
    known = [each for each in targets if each is not None]
    if not known:
        return None
    jobs = frozenset(job for each in known for job in each.jobs)
    if known[0].instances is None:
        return Targets(jobs)
    return Targets(jobs, frozenset(one for each in known for one in each.instances or ()))
