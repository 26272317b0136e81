"""The traffic of the demo's small shop: counters as a function of time, past and present.

One `Shop` writes the history and then goes on live, so that its counters continue what
Prometheus already has. Nothing here knows of Prometheus or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import tau
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
PERIOD: Final = 30 * DAY
HISTORY: Final = PERIOD + HOUR
"""Seconds of history: the period of the SLOs, and a little so that its first slot is known."""

SEED: Final = 1
RHYTHM: Final = 0.6


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the shop: requests a second (mean of a day) and the share that fails normally."""

    service: str
    region: str
    rate: float
    failing: float


CHECKOUT: Final = Part("checkout", "eu", rate=40, failing=0.000_30)
SEARCH: Final = Part("search", "eu", rate=60, failing=0.0)  # its failures are slow answers
AUTH_EU: Final = Part("auth", "eu", rate=20, failing=0.003_0)
AUTH_US: Final = Part("auth", "us", rate=30, failing=0.000_5)
PARTS: Final = (CHECKOUT, AUTH_EU, AUTH_US)

CHECKOUT_OBJECTIVE: Final = 0.999
AUTH_OBJECTIVE: Final = 0.995

SEARCH_DURATIONS: Final = (
    # upper bound in seconds (the label `le`), share of searches, mean duration in seconds
    ("0.05", 0.300_0, 0.03),
    ("0.1", 0.380_0, 0.07),
    ("0.2", 0.200_0, 0.14),
    ("0.3", 0.118_5, 0.24),
    ("0.5", 0.001_0, 0.40),
    ("1.0", 0.000_3, 0.70),
    ("2.5", 0.000_1, 1.60),
    ("+Inf", 0.000_1, 4.0),
)


@dataclass(frozen=True, slots=True)
class Outage:
    """From `begin` until `end` (Unix seconds) a share of a part's requests fails.

    `traffic` is the multiple of the normal traffic: clients that retry.
    """

    part: Part
    begin: float
    end: float
    failing: float
    traffic: float = 1.0


def past_outages(start: float) -> list[Outage]:
    """What went wrong in the 30 days before `start`.

    Checkout lost 17% of its budget in half an hour, eleven days ago, and the rest of what it
    has spent (30%) drips away evenly. Auth in the EU has been leaking for six days, slowly
    enough for no page and fast enough for a ticket.
    """
    lost = 0.17 * (1 - CHECKOUT_OBJECTIVE) * PERIOD  # seconds of complete outage
    middle = start - 11 * DAY  # the day's traffic is at its mean here
    return [
        Outage(CHECKOUT, middle - 15 * MINUTE, middle + 15 * MINUTE, failing=lost / (30 * MINUTE)),
        Outage(AUTH_EU, start - 6 * DAY, float("inf"), failing=1.7 * (1 - AUTH_OBJECTIVE)),
    ]


def incident(begin: float) -> Outage:
    """The scripted incident: checkout fails altogether, and retries multiply its traffic.

    A period's budget of 0.1% is 2,592 s of complete outage at the mean rate. At four times
    the rate 53% left become 50% in some 20 s, 25% in 3 minutes, and 16% in 4 minutes. One
    hour's error ratio passes 14.4 x 0.1% after some 13 s.
    """
    return Outage(CHECKOUT, begin, begin + 4 * MINUTE, failing=1.0, traffic=4.0)


@dataclass(frozen=True, slots=True)
class Series:
    """A series as the service exposes it: its name and its labels."""

    name: str
    labels: dict[str, str]

    def text(self, **target: str) -> str:
        """The series in exposition format, with the labels that a scrape adds."""
        labels = ",".join(f'{key}="{value}"' for key, value in {**self.labels, **target}.items())
        return f"{self.name}{{{labels}}}"


REQUESTS: Final = "http_requests"
DURATION: Final = "http_request_duration_seconds"


def _series() -> tuple[tuple[Series, ...], Array]:
    """All series, and which streams of events each of them sums up (streams x series).

    The streams: good and failing requests of each of `PARTS`, then searches by duration.
    """
    streams = 2 * len(PARTS) + len(SEARCH_DURATIONS)
    series: list[Series] = []
    sums: list[Array] = []

    def add(name: str, labels: dict[str, str], weights: dict[int, float]) -> None:
        series.append(Series(name, labels))
        column = np.zeros(streams)
        column[list(weights)] = list(weights.values())
        sums.append(column)

    for number, part in enumerate(PARTS):
        labels = {"service": part.service, "region": part.region}
        add(f"{REQUESTS}_total", {**labels, "code": "200"}, {2 * number: 1})
        add(f"{REQUESTS}_total", {**labels, "code": "503"}, {2 * number + 1: 1})
    labels = {"service": SEARCH.service, "region": SEARCH.region}
    searches = dict.fromkeys(range(2 * len(PARTS), streams), 1.0)
    add(f"{REQUESTS}_total", {**labels, "code": "200"}, searches)
    counted: dict[int, float] = {}
    for stream, (bound, _, _) in enumerate(SEARCH_DURATIONS, start=2 * len(PARTS)):
        counted[stream] = 1
        add(f"{DURATION}_bucket", {**labels, "le": bound}, counted)
    add(f"{DURATION}_count", labels, searches)
    means = [mean for _, _, mean in SEARCH_DURATIONS]
    add(f"{DURATION}_sum", labels, dict(zip(searches, means, strict=True)))
    return tuple(series), np.stack(sums, axis=1)


SERIES, _SUMS = _series()


class Shop:
    """The shop's counters. Not safe for several threads at once.

    Traffic follows the day: at `start` (Unix seconds) it is at its mean and rising, whatever
    the hour, so that the demo's arithmetic is the same at any time.
    """

    def __init__(self, start: float, seed: int = SEED) -> None:
        self.start = start
        self.clock = start - HISTORY
        self.outages = past_outages(start)
        self._counts = np.zeros(_SUMS.shape[0])
        self._random = np.random.default_rng(seed)

    def run(self, times: Array) -> Array:
        """Go on to each of the ascending `times` (Unix seconds).

        Returns the values of all `SERIES` at each of them: times x series.
        """
        before = np.concatenate(([self.clock], times[:-1]))
        events = self._random.poisson(self._expected((before + times) / 2, times - before))
        counts = self._counts + np.cumsum(events, axis=0)
        self.clock, self._counts = float(times[-1]), counts[-1]
        values: Array = counts @ _SUMS
        return values

    def _expected(self, times: Array, seconds: Array) -> Array:
        """Mean events of each stream in steps of `seconds` around `times`: times x streams."""
        rhythm = 1 + RHYTHM * np.sin(tau * (times - self.start) / DAY)
        streams = []
        for part in PARTS:
            requests = part.rate * rhythm * seconds
            failing = np.full(times.shape, part.failing)
            for outage in self.outages:
                if outage.part == part:
                    during = (outage.begin <= times) & (times < outage.end)
                    requests = np.where(during, requests * outage.traffic, requests)
                    failing = np.where(during, outage.failing, failing)
            streams += [requests * (1 - failing), requests * failing]
        searches = SEARCH.rate * rhythm * seconds
        streams += [searches * share for _, share, _ in SEARCH_DURATIONS]
        return np.stack(streams, axis=1)
