"""An incident's mark on the charts: it goes on only while the newest slot is bad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exporter.slo.event_history import EventHistory
from exporter.slo.records import Incident
from exporter.web.pages.chart_marks import lanes
from exporter.web.pages.charts import TimeAxis
from exporter.web.pages.ranges import TimeRange
from tests.helpers.samples import AT, slo, status, subject


@pytest.mark.parametrize(
    ("incident", "begins"),
    [
        (Incident(AT - 900, AT, 10, 0.36, open=True), "Incident since "),
        (Incident(AT - 900, AT - 60, 10, 0.36, open=True), "Incident 14 Nov 22:00 to 22:14"),
        (
            Incident(AT - 900, AT - 600, 10, 0.36, open=False, start_about=300),
            "Incident about 14 Nov 22:00 to 22:05",
        ),
    ],
)
def test_an_incident_that_has_ended_is_marked_until_its_end(incident, begins):
    """Though it may go on; and what comes from coarse slots is about."""
    one = replace(status(subject(slo()), (600.0, 1e6, 1.0)), incidents=(incident,))
    axis = TimeAxis(EventHistory(np.linspace(AT - 3_600.0, AT, 3), *np.ones((3, 2))))
    [lane] = lanes(one, TimeRange("1h", AT - 3_600.0, float(AT)), axis)
    [box] = lane.boxes
    assert box.title.startswith(begins), box.title
