"""A running exporter for browsers to look at: a service, a Prometheus, and some SLOs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from tests.helpers.integration.live import Live

Opened = Callable[..., Page]
"""What opens a path of the exporter in a tab."""

EVIL = '<script>document.title = "mine"</script>'
"""A name that would tell if it were taken for what it looks like."""

EXPORTER = """
prometheus:
  url: "http://127.0.0.1:{prometheus}"
  scrape_interval: 1s
evaluation: {{interval: 1s, delay: 500ms, settle: 2s, stale_after: 5s}}
policy: {{min_coverage: 0}}
maintenance:
  - reason: yearly audit
    start: 2020-01-01T00:00:00Z
    end: 2020-01-01T01:00:00Z
slos:
  - service: shop
    name: availability
    objective: 99
    labels: {{owner: "team \\"shop\\""}}
    sli: &requests
      events:
        bad: requests_total{{job="shop", code="500"}}
        total: requests_total{{job="shop"}}
  - service: shop
    name: tolerant
    objective: 1
    labels: {{owner: operations}}
    sli: *requests
  - service: search
    name: {evil}
    objective: 99
    group_by: [job]
    sli: {{probe: {{selector: 'up{{job="shop"}}'}}}}
  - service: billing/eu
    name: never there
    objective: 99.9
    sli: {{probe: {{selector: missing}}}}
"""


class Stage(Live):
    """As in the integration tests, with SLOs that differ in all that one can look for."""

    def __init__(self, prometheus_binary: Path, folder: Path) -> None:
        super().__init__(prometheus_binary, folder)
        text = EXPORTER.format(prometheus=self.prometheus.port, evil=f"'{EVIL}'")
        (folder / "config.yaml").write_text(text)

    def begin(self) -> None:
        """Start everything, and wait until the exporter has counted something."""
        self.prometheus.start()
        self.scraped()
        self.requests(good=1000, bad=1)
        self.daemon.start()
        self.daemon.wait_ready()
        self.until(
            lambda: 'slo_events_total{service="shop",slo="availability"} 1001' in self.scrape()
        )
