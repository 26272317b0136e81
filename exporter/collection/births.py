"""What counters that begin in a slot count from, by what the server has around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.collection.shared import Shared
from exporter.collection.surroundings import (
    Around,
    Creations,
    Surroundings,
    Target,
    carries,
    own_up,
)
from exporter.prometheus.births import Doubt, Proofs, Scrape, begin_from
from exporter.prometheus.raw import SeriesKey, series_key, target

Base = float | Doubt | None
"""The value that a counter counts from, or why it cannot be known; None: its own first one."""


@dataclass(frozen=True, slots=True)
class Birth:
    """A counter that was not there in the hours before: its labels and its first sample."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class _Place:
    """The scrape that counters begin with: its target's labels, its time, and the one before.

    `previous` is None if it was longer ago than two scrape intervals. Samples that do not have
    the scrape's own time (not `exact`) do not tell what else was in it.
    """

    up: SeriesKey
    at: float
    previous: float | None
    exact: bool


async def bases(births: Sequence[Birth], around: Surroundings) -> list[Base]:
    """Tell what each counter counts from.

    Raises:
        PrometheusError: a query was not answered.
    """
    found: list[Base] = [None] * len(births)
    ups = await around.ups({of for birth in births if (of := target(birth.labels))})
    places: dict[_Place, list[int]] = defaultdict(list)
    strangers = []
    for i, birth in enumerate(births):
        up = own_up(ups, birth.labels, birth.at)
        if up is None:
            strangers.append(i)
            continue
        earlier = [at for at, value in up.samples.items() if at < birth.at and value == 1]
        if earlier or up.before:
            near = [at for at in earlier if birth.at - at <= around.lookback]
            exact = birth.at in up.samples
            place = _Place(series_key(up.labels), birth.at, max(near, default=None), exact)
            places[place].append(i)
    created = await around.created(Creations.of(births[i].labels for i in strangers))
    for i in strangers:
        since = created.get(series_key(births[i].labels))
        if since is not None and since >= births[i].at - around.lookback:
            found[i] = 0.0
    if places:
        targets = {of for place in places if (of := target(dict(place.up)))}
        counters = await around.counters(targets)
        for place, those in places.items():
            own = {series_key(births[i].labels): births[i] for i in those}
            held = _held(place, own, counters, around.lookback)
            begun_from = held.begun_from
            if any(isinstance(begun_from[key], Doubt) for key in own):
                begun_from = await _proven(place, held, targets, around)
            for i in those:
                found[i] = begun_from[series_key(births[i].labels)]
    return found


@dataclass(slots=True)
class _Held:
    """A scrape beside the one before, and what the counters that it begins with count from: as far
    as it is known without proofs, and, once these were asked for, with them. `creations` are of
    these counters."""

    scrape: Scrape
    begun_from: Mapping[SeriesKey, float | Doubt]
    creations: Creations | None = None
    proven: Mapping[SeriesKey, float | Doubt] | None = None


def _held(
    place: _Place, births: Mapping[SeriesKey, Birth], counters: Shared[Around], lookback: int
) -> _Held:
    """Hold a scrape beside the one before it: once for all SLOs that have counters in it."""
    up = dict(place.up)
    carried = any(carries(each.labels, up) for each in births.values())

    def hold(begun: Mapping[SeriesKey, float]) -> _Held:
        scrape = _scrape(place, begun, counters, carried=carried)
        return _Held(scrape, begin_from(scrape, lookback / 2))

    shared = counters.once((place, carried, lookback), lambda: hold({}))
    known = shared.scrape.begun
    if all(known.get(key) == birth.value for key, birth in births.items()):
        return shared
    return hold({key: birth.value for key, birth in births.items()})


def _scrape(
    place: _Place, births: Mapping[SeriesKey, float], counters: Shared[Around], *, carried: bool
) -> Scrape:
    """Hold a scrape beside the one before it, by all counters of its target.

    `births` begin with it, whatever these say; it is `carried` if they have their target's labels.
    """
    up, at, previous = dict(place.up), place.at, place.previous
    begun, ended, grown, fell = dict(births), {}, 0.0, False
    of_target = counters.once("by target", lambda: _by_target(counters)).get(target(up), [])
    for each in of_target if place.exact else ():
        key = series_key(each.labels)
        # A metric's own labels may stand in the place of its target's.
        if key in begun or (carried and not carries(each.labels, up)):
            continue
        earlier = max((t for t in each.samples if t < at), default=None)
        last = each.before if earlier is None else each.samples[earlier]
        if at in each.samples and last is None:
            begun[key] = each.samples[at]
        elif last is None or (previous is not None and (earlier is None or earlier < previous)):
            continue
        elif at not in each.samples:
            ended[key] = last
        elif previous is not None:
            grown += max(0.0, each.samples[at] - last)
            fell = fell or each.samples[at] < last
    return Scrape(None if previous is None else at - previous, ended, begun, grown, fell)


def _by_target(counters: Iterable[Around]) -> dict[Target | None, list[Around]]:
    found: dict[Target | None, list[Around]] = defaultdict(list)
    for each in counters:
        found[target(each.labels)].append(each)
    return found


async def _proven(
    place: _Place, held: _Held, targets: Collection[Target], around: Surroundings
) -> Mapping[SeriesKey, float | Doubt]:
    """Ask for proofs; what these make of it is made once for all who ask."""
    processes = await around.process_starts(targets)
    if held.creations is None:
        held.creations = Creations.of(dict(key) for key in held.scrape.begun)
    created = await around.created(held.creations, targets)
    busiest = await around.busiest(targets)
    if held.proven is None:
        up, restarted = dict(place.up), None
        for each in processes:
            if place.previous is not None and carries(each.labels, up):
                ends = each.samples.get(place.previous), each.samples.get(place.at)
                restarted = restarted if None in ends else ends[0] != ends[1]
        since = place.at - around.lookback if place.previous is None else place.previous
        born = frozenset(key for key, at in created.items() if at >= since)
        proofs = Proofs(restarted, busiest, born)
        held.proven = begin_from(held.scrape, around.lookback / 2, proofs)
    return held.proven
