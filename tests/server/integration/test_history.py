"""`history`: the past as OpenMetrics is what was exposed then, and promtool makes blocks of it."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.config.reading.loading import load_file
from exporter.demo.blocks import write_openmetrics
from exporter.demo.servers import PrometheusServer, find_promtool, http_get
from exporter.exposition.families import families
from exporter.exposition.past_series import PAST
from exporter.slo.types import DAY, HOUR
from tests.helpers.command_line import cli
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run

SCRAPE = 30
SINCE = END - 9 * DAY
WRITTEN = 6 * HOUR

CONFIG = """
prometheus: {{url: "{url}"}}
slos:
  - service: shop
    name: availability
    objective: 99
    period: 4d
    sli:
      events:
        bad: requests_total{{code=~"5.."}}
        total: requests_total
  - service: shop
    name: regions
    objective: 99.5
    period: {{calendar: week}}
    group_by: [region]
    sli:
      events:
        bad: requests_total{{code=~"5.."}}
        total: requests_total
"""

ADDED = {"job": "slos", "instance": "exporter:9098", "cluster": "eu"}

MOMENTS = [END - WRITTEN + 300, END - 4 * HOUR - 1_500, END - 2 * HOUR - 600, END - 300, END]


def traffic() -> dict[str, list[tuple[float, float]]]:
    """Two regions of a shop, as busy as chance has it, with outages and an hour without scrapes."""
    chance = random.Random(5)
    times = [SINCE + 7.25 + SCRAPE * i for i in range(9 * DAY // SCRAPE)]
    times = [at for at in times if not END - 30 * HOUR < at < END - 29 * HOUR]
    series = {}
    for region in ("eu", "us"):
        good = bad = 0
        of: dict[str, list[tuple[float, float]]] = {"200": [], "500": []}
        for at in times:
            failing = (at // 3_600) % 29 == 3 or END - 3 * HOUR < at < END - 2.5 * HOUR
            good += chance.randrange(40)
            bad += chance.randrange(8) if failing else chance.random() < 0.02
            of["200"].append((at, float(good)))
            of["500"].append((at, float(bad)))
        for code, samples in of.items():
            target = f'job="shop",instance="a:80",region="{region}"'
            series[f'requests_total{{code="{code}",{target}}}'] = samples
    return series


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("traffic")
    files = write_openmetrics(traffic(), folder / "om")
    whole = folder / "all.om"
    whole.write_text("".join(f.read_text().removesuffix("# EOF\n") for f in files) + "# EOF\n")
    blocks(whole, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


def blocks(file: Path, folder: Path) -> None:
    """As docs/history.md has it."""
    command = [find_promtool(), "tsdb", "create-blocks-from", "openmetrics"]
    command += ["--max-block-duration=54h", file, folder]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


@pytest.fixture(scope="module")
def config(prometheus: PrometheusServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("config") / "config.yaml"
    file.write_text(CONFIG.format(url=prometheus.url))
    return file


@pytest.fixture(scope="module")
def written(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last hours before END."""
    file = tmp_path_factory.mktemp("history") / "history.om"
    until = datetime.fromtimestamp(END, UTC).isoformat()
    result = cli(
        *("history", f"--config.file={config}", f"--last={WRITTEN}s", f"--until={until}"),
        *("--output", str(file), "--job=slos", "--instance=exporter:9098", "--label=cluster=eu"),
    )
    assert result.exit_code == 0, result.output
    assert f"{file}: " in result.stdout
    return file


Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exposed(config: Path, url: str, moment: int) -> Figures:
    """What a daemon exposed at a moment: it had begun hours before, and polled ever since."""
    settings = load_file(config)
    polls = [moment - 7 * HOUR, moment - 3 * HOUR, moment - 600, moment - 300, moment]
    _, snapshot = run(url, settings.slos, *polls, fill_at=polls)
    found: Figures = {}
    for name, _, _, series in families(snapshot):
        for labels, points in series:
            for more, value in points:
                text = ",".join(part for part in (labels, more) if part)
                pairs = dict(pair.split("=", 1) for pair in text.split(","))
                of = {key: json.loads(value) for key, value in pairs.items()} | ADDED
                found[name, frozenset(of.items())] = value
    return {key: value for key, value in found.items() if key[0] in PAST}


def test_figures_are_those_that_were_exposed(prometheus, config, written):
    """Each family, each window, in every group: none is missing and none is more."""
    at: dict[int, Figures] = {}
    names = []
    for family in text_string_to_metric_families(written.read_text()):
        names.append(family.name)
        for sample in family.samples:
            own = at.setdefault(int(float(sample.timestamp)), {})
            own[sample.name, frozenset(sample.labels.items())] = sample.value
    assert names == [name for name in PAST if name in names]
    assert len(names) == len(PAST)
    assert sorted(at) == list(range(END - WRITTEN + 300, END + 1, 300))
    for moment in MOMENTS:
        told, then = at[moment], exposed(config, prometheus.url, moment)
        since = "slo_policy_tier_since_timestamp_seconds"
        assert {key for key in told if key[0] != since} == {key for key in then if key[0] != since}
        for key, value in then.items():
            if key[0] != since:
                assert told[key] == pytest.approx(value, rel=1e-6, abs=1e-9), (key, moment)


@pytest.mark.slow
def test_a_real_prometheus_reads_it(prometheus_binary, written, tmp_path):
    """By promtool's blocks; a graph has a point at every step."""
    blocks(written, tmp_path / "data")
    query = 'slo_burn_rate{service="shop",slo="availability",window="1h",job="slos"}'
    with PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as server:
        asked = f"query={quote(query)}&start={END - 3 * HOUR}&end={END}&step=60"
        _, body = http_get(server.port, f"/api/v1/query_range?{asked}")
    [series] = json.loads(body)["data"]["result"]
    assert {key: series["metric"][key] for key in ADDED} == ADDED
    assert len(series["values"]) == 181
    assert max(float(value) for _, value in series["values"]) > 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--step=90s", "--step must be a multiple of 1m"),
        ("--step=10m", "must be from 1m to 5m"),
        ("--last=2y", "must be from 1h to"),
        ("--label=a-b=c", "is not a label"),
        ("--until=soon", "is not a time"),
        ("--output=/nowhere/file.om", "cannot be written"),
    ],
)
def test_what_cannot_be_is_said(config, tmp_path, option, message):
    """And no file is left."""
    file = tmp_path / "history.om"
    result = cli("history", f"--config.file={config}", f"--output={file}", "--last=1h", option)
    assert result.exit_code != 0
    assert message in result.output
    assert list(tmp_path.iterdir()) == []
