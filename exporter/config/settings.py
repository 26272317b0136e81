"""What a configuration file means, once it has been read and found right."""

from __future__ import annotations

from dataclasses import dataclass, field

from exporter.evaluation.settings import EvaluationSettings
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import Slo


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration: where Prometheus is, when to ask it, and the SLOs."""

    slos: tuple[Slo, ...]
    prometheus: PrometheusSettings = field(default_factory=PrometheusSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
