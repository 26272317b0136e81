"""What is known of SLOs beyond the ledger: the days that the store keeps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exporter.ledger.history import History
from exporter.slo.event_history import EventHistory
from exporter.slo.types import DAY, Floats, Group

Day = tuple[float, float, float, float]
"""Bad and all events, the known share, and the share in maintenance windows."""


def with_days(history: EventHistory, days: History, group: Group) -> EventHistory:
    """The events of a group, with its days before the first slots of the ledger.

    The ledger may begin within a day: then the day as a whole stands for it, if more of that is
    known.
    """
    if group not in days.groups:
        return history
    found = dict(_days(days, days.groups.index(group)))
    begins = float(history.bounds[0])
    cut = float(-(-begins // DAY) * DAY)
    if begins < cut and _known(history, cut) > sum(found.get(int(cut), (0, 0, 0, 0))[2:]):
        cut -= DAY
    older = sorted(end for end in found if end <= cut)
    if not older:
        return history
    ends = [float(end) for end in range(older[0], int(cut) + 1, DAY)]
    columns = np.array([found.get(int(end), (0.0, 0.0, 0.0, 0.0)) for end in ends]).T
    bounds = [older[0] - float(DAY), *ends]
    if cut < begins:  # what lies between is not known
        bounds.append(begins)
        columns = np.concatenate((columns, np.zeros((4, 1))), axis=1)
    kept = history.bounds[history.bounds > bounds[-1]]
    rest = history.between([bounds[-1], *kept.tolist()])
    return _joined(np.array(bounds), columns, rest)


def _known(history: EventHistory, until: float) -> float:
    """The known share of the day that ends at `until`, what is excluded included."""
    sums = history.between([until - DAY, until])
    out = 0.0 if sums.excluded is None else float(sums.excluded[0])
    return float(sums.known[0]) + out


def _days(days: History, place: int) -> Iterator[tuple[int, Day]]:
    """Each day that anything is known of, by its end."""
    for stretch in days.stretches:
        slots, out = stretch.slots, stretch.excluded
        for i in np.flatnonzero(slots.known[place] > 0).tolist():
            values = [float(each[place, i]) for each in slots.arrays()]
            less = [0.0] * 3 if out is None else [float(each[place, i]) for each in out.arrays()]
            bad, total, known = (value - gone for value, gone in zip(values, less, strict=True))
            yield stretch.start + (i + 1) * stretch.slot, (bad, total, known, less[2])


def _joined(bounds: Floats, columns: Floats, rest: EventHistory) -> EventHistory:
    out = np.zeros(len(rest.bad)) if rest.excluded is None else rest.excluded
    parts = (rest.bad, rest.total, rest.known, out)
    bad, total, known, excluded = (
        np.concatenate(pair) for pair in zip(columns, parts, strict=True)
    )
    return EventHistory(
        np.concatenate((bounds, rest.bounds[1:])),
        *(bad, total, known),
        excluded if (excluded > 0).any() else None,
    )
