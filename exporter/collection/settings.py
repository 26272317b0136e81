"""When slots are asked for and how much is asked at a time. Durations are in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.slo.model import DEFAULT_DATASOURCE
from exporter.slo.types import DAY

MOST_FINE = 100_000
"""Of 139 SLOs or more in slots of 30 s, six hours of which are more than that."""


LONGEST_REVISIT = 400 * DAY
"""As far back as periods reach."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The cadence of the daemon.

    - `interval`: slot length and cadence; divides an hour.
    - `delay`: how long after a slot's end it is first asked for.
    - `settle`: how long after its end a slot is asked for again, for good.
    - `revisit`: how old slots get that are counted again when samples come after they had settled;
      0 for never.
    - `stale_after`: how long Prometheus may be silent before burn rates are withdrawn.
    - `concurrency`: queries under way at once at each datasource, at the most.
    - `most_fine`: the finest slots, of all SLOs together, up to which a poll asks for all that are
      missing. Where there may be more, older ones are history, like the coarse ones.
    """

    interval: int = 30
    delay: float = 5.0
    settle: int = 300
    revisit: int = LONGEST_REVISIT
    stale_after: int = 300
    concurrency: int = 4
    most_fine: int = MOST_FINE


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """A query whose answer has what runs of each service.

    - `query`: PromQL; its values do not matter.
    - `service_label`, `version_label`: the labels with the service and with what runs of it.
    - `by`: further labels that tell places apart in which versions change by themselves.
    - `gone_after`: how long (seconds) a version must have been away to have gone.
    """

    query: str
    datasource: str = DEFAULT_DATASOURCE
    service_label: str = "service"
    version_label: str = "version"
    by: tuple[str, ...] = ()
    gone_after: int = 120

    @property
    def promql(self) -> str:
        """What Prometheus is asked: a series for each version of each service."""
        labels = ", ".join((self.service_label, self.version_label, *self.by))
        return f"count by ({labels}) ({self.query})"
