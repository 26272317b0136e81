"""The figures of many SLOs at once, as columns: what `figures_of` and `status_of` tell of each.

Tests hold these against the statuses, which are computed one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.slo.budget import Budget
from exporter.slo.columns import Columns, WindowColumn
from exporter.slo.exhaustion import FAR_BELOW, SoFar, exhausted, exhaustion, holding
from exporter.slo.incidents import of_period, under_way
from exporter.slo.leaving import Leaving, Past
from exporter.slo.one_status import maintenance_of, tier_of
from exporter.slo.policy import Tier
from exporter.slo.possible_figures import Kind, figures_of, kinds_of
from exporter.slo.snapshot import DataState
from exporter.slo.standing import Those, alerts_together
from exporter.slo.statuses import Figure, StatusColumns, known_where
from exporter.slo.subject import Subjects
from exporter.slo.types import HOUR, MINUTE, Bools, Floats
from exporter.slo.windows import WINDOWS

Places = NDArray[np.intp]

_STATES = (DataState.OK, DataState.NO_TRAFFIC, DataState.NO_DATA, DataState.STALE)


class Together:
    """The figures of an evaluation. `rows` are the places of the subjects that are shown, and
    `left` is how many seconds there are until each one's budget is spent, NaN where unknown."""

    def __init__(
        self, at: int, subjects: Subjects, budgets: Floats, counted: Columns, everything: Columns
    ) -> None:
        self._at = at
        self._subjects = subjects
        self._budgets = budgets
        self._counted, self._everything = counted, everything
        count = len(subjects.slos)
        self.left = np.full(count, np.nan)
        self._kinds, self._kind_numbers = kinds_of(at, subjects, counted)
        numbers = range(len(self._kinds))
        self._alike = [np.flatnonzero(self._kind_numbers == number) for number in numbers]
        odd = counted.suspect | everything.suspect
        odd[list(subjects.invalid)] = True
        self._odd = odd
        self._raw_known, self._elapsed, self._length = np.zeros((3, count))
        self._period, self._raw = (WindowColumn(*np.zeros((5, count))) for _ in range(2))
        for kind, at_ in zip(self._kinds, self._alike, strict=True):
            self._elapsed[at_], self._length[at_] = kind.span.elapsed, kind.span.length
            for column, of in ((self._period, counted), (self._raw, everything)):
                for name in ("bad", "total", "known", "error_ratio", "burn_rate"):
                    getattr(column, name)[at_] = getattr(of.windows[kind.span.elapsed], name)[at_]
        self._has_budget: Bools = self._raw.known > 0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            self._remaining = _remaining(self._period, budgets)
            self._raw_remaining = _remaining(self._raw, budgets)
        self.rows = self._shown_rows()

    def kind_of(self, place: int) -> Kind:
        """The kind of a subject."""
        return self._kinds[int(self._kind_numbers[place])]

    def _shown_rows(self) -> Places:
        """Without groups of which the last that was known has left the period, and what stands for
        an SLO with `group_by` as long as it has no group."""
        subjects = self._subjects
        shown = np.ones(len(subjects.slos), dtype=np.bool_)
        grouped = [i for i, groups in enumerate(subjects.groups) if groups]
        with_groups = set()
        for i in grouped:
            if self._raw.known[i] > 0:
                with_groups.add((subjects.slos[i].service, subjects.slos[i].name))
            else:
                shown[i] = False
        if with_groups:
            for i, slo in enumerate(subjects.slos):
                if slo.group_by and not subjects.groups[i]:
                    shown[i] = (slo.service, slo.name) not in with_groups
        return np.flatnonzero(shown)

    def forecast(self, past: Past | None) -> None:
        """Compute when budgets are spent."""
        shown = np.zeros(len(self.left), dtype=np.bool_)
        shown[self.rows] = True
        for kind, places in zip(self._kinds, self._alike, strict=True):
            usual = places[shown[places] & ~self._odd[places]]
            self._forecast(kind, usual, past)
        self._forecast_odd(self.rows[self._odd[self.rows]], past)

    def _forecast(self, kind: Kind, places: Places, past: Past | None) -> None:
        columns, own = dict(kind.shown), self._counted.windows[kind.span.elapsed]
        newest, newest_length = (
            (columns["5m"], 5 * MINUTE) if "5m" in columns else (own, kind.span.elapsed)
        )
        hour, hour_length = (columns["1h"], HOUR) if "1h" in columns else (own, kind.span.elapsed)
        known = self._subjects.answered & self._has_budget & (hour.known > 0)
        places = places[known[places]]
        if not places.size:
            return
        fast, slow = newest.burn_rate[places], hour.burn_rate[places]
        fresh = (newest.known[places] > 0) & ((fast > slow) | (fast < FAR_BELOW * slow))
        with np.errstate(all="ignore"):
            traffic = np.where(
                fresh,
                newest.total[places] / (newest.known[places] * newest_length),
                hour.total[places] / (hour.known[places] * hour_length),
            )
            total, share = self._period.total[places], self._period.known[places]
            cases = Leaving(
                places=places,
                bad=self._period.bad[places],
                total=total,
                known=share,
                remaining=self._remaining[places],
                error_budget=self._budgets[places],
                burn_rate=np.where(fresh, fast, slow),
                traffic=traffic,
                usual=total / (share * kind.span.elapsed),
            )
        period = self._subjects.slos[int(places[0])].period
        self.left[places] = exhausted(cases, period, kind.span, past)

    def _forecast_odd(self, places: Places, past: Past | None) -> None:
        """Those whose windows are not what they usually are, one by one."""
        so_far, rates = [], []
        for place in places.tolist():
            subject, kind = self._subjects.one(place), self.kind_of(place)
            figures = figures_of(subject, place, kind, self._counted, self._everything)
            window, budget = figures.period, figures.budget
            now = holding(figures.shown, subject.slo.period, kind.span)
            if budget is not None and window is not None and now is not None:
                allowed = subject.slo.objective.error_budget
                period, span = subject.slo.period, kind.span
                so_far.append(SoFar(window, budget.remaining, allowed, period, span, place))
                rates.append(now)
        for each, seconds in zip(so_far, exhaustion(so_far, rates, past), strict=True):
            self.left[each.place] = seconds

    def columns(self) -> StatusColumns:
        """What there is to show, a column each."""
        subjects, rows = self._subjects, self.rows
        places = rows.tolist()
        states = self._states()
        tiers = self._tiers(places)
        names, ratios, rates, shown = self._windows()
        odd = self._odd[rows]
        return StatusColumns(
            slos=[subjects.slos[i] for i in places],
            groups=[subjects.groups[i] for i in places],
            states=[_STATES[code] for code in states[rows].tolist()],
            alerts=self._alerts()[rows].tolist(),
            tiers=tiers,
            policy_states=[subjects.policy_states[i] for i in places],
            maintenance=[self._maintenance(i) for i in places],
            numbers=self._numbers(tiers, self._held(states)),
            windows=names,
            error_ratios=ratios,
            burn_rates=rates,
            shown=shown,
            problems=dict(self._problems(places)),
            apart=frozenset(np.flatnonzero(odd).tolist()),
        )

    def _problems(self, places: Sequence[int]) -> Iterator[tuple[int, str]]:
        problems = self._subjects.problems
        if problems:
            for row, place in enumerate(places):
                text = problems.get(place)
                if text is not None:
                    yield row, text

    def _states(self) -> NDArray[np.intp]:
        newest = self._everything.windows[WINDOWS[0]]
        states = np.where(newest.known <= 0, 2, np.where(newest.total > 0, 0, 1))
        states[~self._subjects.answered] = 3
        return states

    def _held(self, states: NDArray[np.intp]) -> Bools:
        """Of which tiers are held, for whatever reason."""
        least = np.array([slo.policy.min_coverage for slo in self._subjects.slos])
        held: Bools = (states >= 2) | self._subjects.waiting | (self._raw.known < least)
        return held

    def _maintenance(self, place: int) -> tuple[str, ...]:
        slo = self._subjects.slos[place]
        return maintenance_of(slo, self._at) if slo.maintenance else ()

    def _tiers(self, places: Sequence[int]) -> list[Tier | None]:
        past, known = self._subjects.past, self._has_budget.tolist()
        return [(past[i].tier or self._first_tier(i)) if known[i] else None for i in places]

    def _first_tier(self, place: int) -> Tier | None:
        if self._odd[place]:
            return None  # its status tells
        slo, kind = self._subjects.slos[place], self.kind_of(place)
        shown = {}
        if self._subjects.answered[place]:
            shown = {name: column[place] for name, column in kind.shown}
        period = self._period[place]
        budget = Budget.of(period.bad, period.total, slo.objective, kind.span.length)
        return tier_of(slo, budget, float(self._raw.known[place]), shown)

    def _alerts(self) -> NDArray[np.object_]:
        """How the conditions of each stand."""
        slos = self._subjects.slos
        found = np.empty(len(slos), dtype=np.object_)
        events = np.array([slo.low_traffic.min_events for slo in slos], dtype=np.float64)
        bad = np.array([slo.low_traffic.min_bad_events for slo in slos], dtype=np.float64)
        for kind, at in zip(self._kinds, self._alike, strict=True):
            found[at] = alerts_together(
                slos[int(at[0])],
                kind.span.length,
                dict(kind.shown),
                Those(at, self._subjects.answered[at], self._budgets[at], events[at], bad[at]),
            )
        return found

    def _windows(self) -> tuple[list[str], Floats, Floats, Bools]:
        """The names of the windows that any has, the ratios and rates, and which of them there
        are: rows x windows."""
        names = list(dict.fromkeys(name for kind in self._kinds for name, _ in kind.shown))
        shape = len(self._subjects.slos), len(names)
        ratios, rates = np.zeros(shape), np.zeros(shape)
        shown = np.zeros(shape, dtype=np.bool_)
        for kind, at in zip(self._kinds, self._alike, strict=True):
            for name, column in kind.shown:
                k = names.index(name)
                ratios[at, k], rates[at, k] = column.error_ratio[at], column.burn_rate[at]
                shown[at, k] = (column.known[at] > 0) & self._subjects.answered[at]
        return names, ratios[self.rows], rates[self.rows], shown[self.rows]

    def _numbers(self, tiers: Sequence[Tier | None], held: Bools) -> dict[str, Figure]:
        subjects, rows = self._subjects, self.rows
        has_tier = np.array([tier is not None for tier in tiers], dtype=np.bool_)
        every = np.ones(len(rows), dtype=np.bool_)
        budget = self._has_budget[rows]
        past = [subjects.past[i] for i in rows.tolist()]

        def of_past(values: Iterable[float | None]) -> Floats:
            return np.array([np.nan if value is None else value for value in values])

        postmortems = np.array([each.postmortems for each in past], dtype=np.float64)
        recovery = np.full(len(subjects.slos), np.nan)
        recovery[list(subjects.recovery)] = list(subjects.recovery.values())
        with np.errstate(invalid="ignore", over="ignore"):  # of infinities
            events = self._budgets * self._period.total - self._period.bad
            seconds = self._remaining * self._budgets * self._length
        return {
            "period_length": Figure(self._length[rows], every),
            "events_total": known_where(subjects.events_total[rows]),
            "bad_events_total": known_where(subjects.bad_events_total[rows]),
            "remaining": Figure(self._remaining[rows], budget),
            "raw_remaining": Figure(self._raw_remaining[rows], budget),
            "remaining_events": Figure(events[rows], budget),
            "remaining_seconds": Figure(seconds[rows], budget),
            "exhaustion_seconds": known_where(self.left[rows]),
            "since": known_where(of_past(each.since for each in past), has_tier),
            "worsened": known_where(of_past(each.worsened for each in past)),
            "changes": Figure(np.array([float(each.changes) for each in past]), has_tier),
            "recovery": known_where(recovery[rows], has_tier & ~held[rows]),
            "postmortems": Figure(postmortems, has_tier | (postmortems > 0)),
            "incident_share": known_where(of_past(map(self._incident_share, rows.tolist()))),
            "coverage": Figure(self._raw.known[rows], every),
            "last_slot": known_where(subjects.last_slot[rows]),
            "lag": Figure(subjects.lag[rows], every),
            "scrape_interval": Figure(subjects.scrape_interval[rows], every),
        }

    def _incident_share(self, place: int) -> float | None:
        """What the incident under way has taken."""
        state = self._subjects.policy_states[place]
        if state is None or not self._subjects.past[place].open_incidents:
            return None
        shown = of_period(state.incidents, self.kind_of(place).span.start)
        found = under_way(shown, self._at - float(self._subjects.lag[place]))
        return found.share if found else None


def _remaining(period: WindowColumn, budgets: Floats) -> Floats:
    """The share of each budget that is left: `Budget.of`."""
    return np.where(period.total > 0, 1 - period.bad / (budgets * period.total), 1.0)
