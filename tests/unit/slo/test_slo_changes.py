"""What a reload tells of the SLOs."""

from __future__ import annotations

from exporter.collection.settings import EvaluationSettings
from exporter.config.settings import Settings
from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.model import LatencySli
from exporter.slo.slo_changes import changes
from exporter.slo.types import DAY
from tests.helpers.samples import slo


def test_nothing_has_no_words():
    """An unchanged file."""
    assert changes([slo()], [slo()]) == {}


def test_each_kind_of_change_is_named():
    """SLOs by their names, objectives and periods with both values."""
    before = [slo("99.9"), slo(name="gone")]
    after = [slo("99.5", period=7 * DAY, sli=LatencySli("a", 1)), slo(name="new")]
    assert changes(before, after) == {
        "added": "auth/new",
        "removed": "auth/gone",
        "changed": "auth/availability (objective 99.9 -> 99.5, period 30d -> 7d, sli)",
    }


def test_what_alerts_are_like_is_told_as_alerting():
    """Labels, windows and disabling alike."""
    quiet = slo(alerting=Alerting(page=SeverityAlerts(disabled=True)))
    assert changes([slo()], [quiet]) == {"changed": "auth/availability (alerting)"}


def test_many_are_counted():
    """A line of the log stays a line."""
    found = changes([], [slo(name=f"s{n}") for n in range(12)])
    assert found["added"].endswith("auth/s9 and 2 more")


def test_sections_that_changed_are_named():
    """Beside the SLOs, whose changes have lines of their own."""
    before = Settings((slo(),), evaluation=EvaluationSettings(interval=30))
    after = Settings((slo("99"),), evaluation=EvaluationSettings(interval=15), grafana="http://g")
    assert after.changes(before) == {"settings": "evaluation, grafana"}
    assert after.changes(after) == {}
