"""The figures of each SLO, and which of them can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.budget import Budget, Window
from exporter.slo.columns import Columns, WindowColumn
from exporter.slo.period import PeriodBounds
from exporter.slo.plausible import in_words
from exporter.slo.snapshot import DataState
from exporter.slo.subject import Subject, Subjects
from exporter.slo.types import HOUR
from exporter.slo.windows import WINDOWS, windows


@dataclass(frozen=True, slots=True)
class Kind:
    """What SLOs of one period with the same windows share: the period's bounds, the windows that
    they have (name and seconds), and those of them that are shown, each with its column."""

    span: PeriodBounds
    lengths: tuple[tuple[str, int], ...]
    shown: tuple[tuple[str, WindowColumn], ...]

    @classmethod
    def of(cls, at: int, subject: Subject, counted: Columns) -> Kind:
        slo = subject.slo
        span, lengths = slo.period.span(at), windows(slo.period, at, slo.alerting.windows)
        shown = [
            (name, counted.windows[length])
            for name, length in lengths
            if length >= 2 * subject.scrape_interval or length == span.elapsed
        ]
        return cls(span, lengths, tuple(shown))


def kinds_of(at: int, subjects: Subjects, counted: Columns) -> tuple[list[Kind], NDArray[np.intp]]:
    """The kinds that there are, and the number of each subject's among these.

    SLOs of one kind have the same conditions and slices, too.
    """
    numbers: dict[object, int] = {}
    known: dict[object, int] = {}
    found: list[int] = []
    kinds: list[Kind] = []
    intervals = subjects.scrape_interval.tolist()
    for i, (slo, scraped) in enumerate(zip(subjects.slos, intervals, strict=True)):
        # By identities, which are there as long as the SLOs are, and then by what is equal.
        key = id(slo.period), id(slo.alerting), id(slo.timeslices), scraped
        number = known.get(key)
        if number is None:
            slice_ = slo.timeslices.slice if slo.timeslices else None
            equal = slo.period, slo.alerting.windows, slo.alerting.enabled, slice_, scraped
            number = known[key] = numbers.setdefault(equal, len(numbers))
            if number == len(kinds):
                kinds.append(Kind.of(at, subjects.one(i), counted))
        found.append(number)
    return kinds, np.array(found, dtype=np.intp)


@dataclass(slots=True)  # not frozen: there are many, and they are made in half of the time
class Figures:
    """The figures of a subject, which is at `place`.

    They are its windows that can be, by name; the period's everything, and whether that cannot be.
    """

    subject: Subject
    place: int
    span: PeriodBounds
    state: DataState
    problem: str | None
    found: Mapping[str, Window]
    period: Window | None
    budget: Budget | None
    raw: Window
    raw_is_odd: bool

    @property
    def shown(self) -> Mapping[str, Window]:
        """The windows that are shown: none while the data are stale."""
        return self.found if self.subject.answered else {}


def figures_of(
    subject: Subject, i: int, kind: Kind, counted: Columns, everything: Columns
) -> Figures:
    slo, span, cannot_be = subject.slo, kind.span, subject.invalid
    if counted.suspect[i]:
        found, cannot_be = _possible(subject, i, kind, counted)
    else:
        found = {name: column[i] for name, column in kind.shown}
    state = _state(subject, everything.windows[WINDOWS[0]][i], cannot_be)
    if subject.invalid:
        found = {}
    raw, period = everything.windows[span.elapsed][i], found.get(slo.period.label)
    return Figures(
        subject=subject,
        place=i,
        span=span,
        state=state,
        problem=cannot_be if state is DataState.INVALID else subject.problem,
        found=found,
        period=period,
        budget=Budget.of(period.bad, period.total, slo.objective, span.length)
        if period and raw.known > 0
        else None,
        raw=raw,
        raw_is_odd=bool(subject.invalid) or everything.odd[span.elapsed][i],
    )


def _possible(
    subject: Subject, i: int, kind: Kind, counted: Columns
) -> tuple[dict[str, Window], str | None]:
    """The windows that can be of a subject of which some cannot, and what cannot be, in words."""
    odd, cannot_be = counted.odd, subject.invalid
    # While the last hour cannot be, that counters are read apart explains nothing.
    recent = (length for _, length in kind.lengths if length <= HOUR)
    wrong = counted.apart if any(odd[length][i] for length in recent) else odd
    found, shown = {}, dict(kind.shown)
    for name, length in kind.lengths:
        if wrong[length][i]:
            bad, total = counted.counts(length, i)
            if odd[length][i]:
                cannot_be = cannot_be or in_words(bad, total, name)
        elif name in shown:
            found[name] = shown[name][i]
    # What the newest minutes have too much is in all of them.
    return {} if odd[WINDOWS[0]][i] else found, cannot_be


def _state(subject: Subject, newest: Window, cannot_be: str | None) -> DataState:
    if not subject.answered:
        return DataState.STALE
    if cannot_be:
        return DataState.INVALID
    if newest.known <= 0:
        return DataState.NO_DATA
    return DataState.OK if newest.total > 0 else DataState.NO_TRAFFIC
