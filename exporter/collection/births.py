"""What counters that begin in a slot count from, by what the server has around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from exporter.collection.surroundings import Around, Surroundings, Target, carries, own_up
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
    created = await around.created(births[i].labels for i in strangers)
    for i in strangers:
        since = created.get(series_key(births[i].labels))
        if since is not None and since >= births[i].at - around.lookback:
            found[i] = 0.0
    if places:
        targets = {of for place in places if (of := target(dict(place.up)))}
        counters = await around.counters(targets)
        for place, those in places.items():
            own = {series_key(births[i].labels): births[i] for i in those}
            scrape = _scrape(place, own, counters)
            begun_from = begin_from(scrape, around.lookback / 2)
            if any(isinstance(begun_from[key], Doubt) for key in own):
                proofs = await _proofs(place, scrape, targets, around)
                begun_from = begin_from(scrape, around.lookback / 2, proofs)
            for i in those:
                found[i] = begun_from[series_key(births[i].labels)]
    return found


def _scrape(place: _Place, births: Mapping[SeriesKey, Birth], counters: Sequence[Around]) -> Scrape:
    """Hold a scrape beside the one before it, by all counters of its target."""
    up, at, previous = dict(place.up), place.at, place.previous
    begun = {key: birth.value for key, birth in births.items()}
    ended, grown, fell = {}, 0.0, False
    for each in counters if place.exact else ():
        if target(each.labels) != target(up) or series_key(each.labels) in begun:
            continue
        # A metric's own labels may stand in the place of its target's.
        if not carries(each.labels, up) and any(
            carries(item.labels, up) for item in births.values()
        ):
            continue
        earlier = max((t for t in each.samples if t < at), default=None)
        last = each.before if earlier is None else each.samples[earlier]
        if at in each.samples and last is None:
            begun[series_key(each.labels)] = each.samples[at]
        elif last is None or (previous is not None and (earlier is None or earlier < previous)):
            continue
        elif at not in each.samples:
            ended[series_key(each.labels)] = last
        elif previous is not None:
            grown += max(0.0, each.samples[at] - last)
            fell = fell or each.samples[at] < last
    return Scrape(None if previous is None else at - previous, ended, begun, grown, fell)


async def _proofs(
    place: _Place, scrape: Scrape, targets: Collection[Target], around: Surroundings
) -> Proofs:
    up, restarted = dict(place.up), None
    for each in await around.process_starts(targets):
        if place.previous is not None and carries(each.labels, up):
            ends = each.samples.get(place.previous), each.samples.get(place.at)
            restarted = restarted if None in ends else ends[0] != ends[1]
    created = await around.created((dict(key) for key in scrape.begun), targets)
    since = place.at - around.lookback if place.previous is None else place.previous
    born = {key for key, at in created.items() if at >= since}
    return Proofs(restarted, await around.busiest(targets), frozenset(born))
