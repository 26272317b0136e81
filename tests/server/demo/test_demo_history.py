"""The demo's history, read back from the files that promtool gets, and the service after it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.history import history_files
from exporter.demo.service import ShopCollector
from exporter.demo.traffic import Shop

START = 1_800_000_123.0
PERIOD = 30 * 86_400
WRITING = 200.0
"""Seconds that the clock goes on while the history is written: a slow machine."""

LINE = re.compile(r"(?P<name>\w+)\{(?P<labels>.*)\} (?P<value>\S+) (?P<time>\S+)")

Labels = frozenset[tuple[str, str]]


@dataclass
class History:
    """The files' samples by series, and the service that goes on from them."""

    files: list[Path]
    series: dict[Labels, list[tuple[float, float]]]
    shop: Shop

    def grown(self, name: str, **labels: str) -> float:
        """What the series with these labels counted in the 30 days before the start."""
        wanted = {("__name__", name), *labels.items()}
        total = 0.0
        for series, samples in self.series.items():
            if wanted <= series:
                values = dict(samples)
                total += values[START] - values[START - PERIOD]
        return total


def as_labels(name: str, labels: dict[str, str]) -> Labels:
    """A series as a set of labels."""
    return frozenset({"__name__": name, **labels}.items())


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> History:
    """The whole history, written once and read as text."""
    shop = Shop(START)
    folder = tmp_path_factory.mktemp("history")
    target = {"job": "shop", "instance": "127.0.0.1:80"}
    files = list(history_files(shop, target, folder, clock=lambda: START + WRITING))
    series = defaultdict(list)
    for file in files:
        for line in file.read_text().splitlines()[:-1]:
            found = LINE.fullmatch(line)
            labels = dict(re.findall(r'(\w+)="(.*?)"', found["labels"]))
            sample = (float(found["time"]), float(found["value"]))
            series[as_labels(found["name"], labels)].append(sample)
    return History(files, series, shop)


def test_every_file_holds_two_hours_of_wall_clock(history):
    """promtool reads its whole input once per block of two hours."""
    blocks = [int(file.stem) for file in history.files]
    assert len(blocks) == len(set(blocks))
    for file, block in zip(history.files, blocks, strict=True):
        *lines, end = file.read_text().splitlines()
        times = [float(line.rsplit(" ", 1)[1]) for line in lines]
        assert block <= min(times) <= max(times) < block + 7200
        assert end == "# EOF"


def test_every_series_has_a_sample_a_minute_up_to_the_present(history):
    """No gap within the history, and less than a minute until the service goes on."""
    for samples in history.series.values():
        times = [time for time, _ in samples]
        assert times[0] <= START - PERIOD
        assert {b - a for a, b in pairwise(times)} == {60.0}
        assert START + WRITING - 60 < times[-1] <= START + WRITING


def test_counters_never_fall(history):
    """The history has no reset."""
    for labels, samples in history.series.items():
        values = [value for _, value in samples]
        assert values == sorted(values), labels


def test_the_target_was_up_all_the_time(history):
    """A series is counted from its birth only where its target was being scraped."""
    up = history.series[as_labels("up", {"job": "shop", "instance": "127.0.0.1:80"})]
    assert {value for _, value in up} == {1.0}


@pytest.mark.parametrize(
    ("bad", "total", "objective", "intended"),
    [
        (
            [("http_requests_total", {"service": "checkout", "code": "503"})],
            [("http_requests_total", {"service": "checkout"})],
            0.999,
            0.53,
        ),
        (
            [("http_requests_total", {"service": "auth", "region": "eu", "code": "503"})],
            [("http_requests_total", {"service": "auth", "region": "eu"})],
            0.995,
            0.18,
        ),
        (
            [("http_requests_total", {"service": "auth", "region": "us", "code": "503"})],
            [("http_requests_total", {"service": "auth", "region": "us"})],
            0.995,
            0.90,
        ),
    ],
)
def test_budgets_at_the_start(history, bad, total, objective, intended):
    """Each SLO starts in the health that the demo tells of, but for the noise of its events."""
    failed = sum(history.grown(name, **labels) for name, labels in bad)
    budget = (1 - objective) * sum(history.grown(name, **labels) for name, labels in total)
    five_deviations = 5 * sqrt(failed) / budget  # failures are a Poisson number
    assert 1 - failed / budget == pytest.approx(intended, abs=five_deviations)


def test_search_is_healthy_at_the_start(history):
    """The latency SLO of 99% under 300 ms has 85% of its budget left."""
    bucket = "http_request_duration_seconds_bucket"
    fast = history.grown(bucket, service="search", le="0.3")
    all_searches = history.grown(bucket, service="search", le="+Inf")
    slow = all_searches - fast
    budget = 0.01 * all_searches
    assert 1 - slow / budget == pytest.approx(0.85, abs=5 * sqrt(slow) / budget)


def test_the_histogram_is_cumulative_and_agrees_with_the_requests(history):
    """A scrape of a real service would be."""
    bucket = "http_request_duration_seconds_bucket"
    bounds = ["0.05", "0.1", "0.2", "0.3", "0.5", "1.0", "2.5", "+Inf"]
    counts = [history.grown(bucket, le=bound) for bound in bounds]
    assert counts == sorted(counts)
    assert counts[-1] == history.grown("http_request_duration_seconds_count")
    assert counts[-1] == history.grown("http_requests_total", service="search")


def test_the_same_start_gives_the_same_history(history):
    """Two demos differ in nothing but the time."""
    again = Shop(START - 7200)
    times = [START - 7200 - 30 * 86_400 - 3600 + 60 * step for step in range(100)]
    folder = history.files[0].parent / "again"
    first = next(history_files(again, {}, folder, clock=lambda: times[-1]))
    values = [line.split(" ")[1] for line in first.read_text().splitlines() if "checkout" in line]
    samples = [
        [f"{value!r}" for _, value in series]
        for labels, series in history.series.items()
        if ("service", "checkout") in labels
    ]
    length = len(values) // 2
    assert values == samples[0][:length] + samples[1][:length]


def scrape(shop: Shop, now: float) -> dict[Labels, float]:
    """What the service exposes at a moment."""
    registry = CollectorRegistry()
    registry.register(ShopCollector(shop, clock=lambda: now))
    return {
        as_labels(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_the_service_continues_the_history(history):
    """The first scrape has the history's series, and no more new events than time has passed."""
    now = START + WRITING + 20
    exposed = scrape(history.shop, now)
    target = {("job", "shop"), ("instance", "127.0.0.1:80")}
    past = {labels - target: samples[-1] for labels, samples in history.series.items()}
    past.pop(as_labels("up", {}))
    assert exposed.keys() == past.keys()
    for labels, value in exposed.items():
        last_time, last = past[labels]
        fastest = 60 * 1.6 * 4  # searches a second, at the day's peak, with room for chance
        assert last <= value <= last + fastest * (now - last_time)
    assert any(value > past[labels][1] for labels, value in exposed.items())


@pytest.mark.parametrize("later", [0.0, 0.25, 1.0, 7.5])
def test_a_scrape_runs_the_shop_up_to_its_own_moment(later):
    """Whatever has passed since the one before, and if it was nothing."""
    shop = Shop(START)
    first = scrape(shop, shop.clock + 10)
    moment = shop.clock + later
    second = scrape(shop, moment)
    assert shop.clock == moment
    assert all(second[labels] >= value for labels, value in first.items())
