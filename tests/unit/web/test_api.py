"""The JSON of /api/v1: what it tells of the daemon and of every SLO."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import LowTraffic
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import Snapshot
from exporter.web.api import answers
from exporter.web.api.errors import InvalidRequestError
from exporter.web.daemon import (
    ConfigStatus,
    DatasourceStatus,
    EvaluationStatus,
    Status,
    StoreStatus,
)
from tests.helpers.samples import AT, every_window, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)

STATUS = Status(
    version="1.2.3",
    started_timestamp_seconds=1_700_000_000.5,
    uptime_seconds=42.0,
    ready=False,
    listen_address=":9098",
    config=ConfigStatus("config.yaml", False, 1_700_000_001.0, "config.yaml:1: is empty"),
    evaluation=EvaluationStatus(None, None, 0.5),
    datasources={
        "prometheus": DatasourceStatus(True, None),
        "mimir": DatasourceStatus(False, "connection refused"),
        "thanos": DatasourceStatus(None, None),
    },
    store=StoreStatus("data", False, "disk full"),
)


def slos(shot: Snapshot, **query: str) -> dict:
    answer = json.loads(answers.slos(shot, query))
    assert answer["status"] == "success"
    return answer["data"]


class TestStatus:
    def test_everything_that_the_daemon_tells(self):
        """By the names that docs/api.md has; what is not known is null."""
        shot = snapshot(
            (subject(slo()), SPENT),
            (subject(slo(name="idle")), (0.0, 0.0, 1.0)),
            (subject(slo(name="old"), answered=False), SPENT),
            (subject(slo(name="older"), answered=False), SPENT),
        )
        assert json.loads(answers.status(STATUS, shot)) == {
            "status": "success",
            "data": {
                "version": "1.2.3",
                "started_timestamp_seconds": 1_700_000_000.5,
                "uptime_seconds": 42.0,
                "ready": False,
                "listen_address": ":9098",
                "config": {
                    "file": "config.yaml",
                    "last_reload_successful": False,
                    "last_reload_success_timestamp_seconds": 1_700_000_001.0,
                    "last_reload_error": "config.yaml:1: is empty",
                },
                "evaluation": {
                    "last_timestamp_seconds": None,
                    "last_duration_seconds": None,
                    "backfill_progress_ratio": 0.5,
                },
                "datasources": {
                    "prometheus": {"up": True, "last_error": None},
                    "mimir": {"up": False, "last_error": "connection refused"},
                    "thanos": {"up": None, "last_error": None},
                },
                "store": {"path": "data", "up": False, "last_error": "disk full"},
                "shard": None,
                "slos": {"ok": 1, "no_traffic": 1, "no_data": 0, "stale": 2, "invalid": 0},
            },
        }

    def test_without_a_store_there_is_none(self):
        """Null rather than a store that is down."""
        answer = json.loads(answers.status(replace(STATUS, store=None), snapshot()))
        assert answer["data"]["store"] is None


class TestSlos:
    def test_one_with_everything_that_is_known_of_it(self):
        """Ratios, seconds, and the names of metrics and labels."""
        of = slo(
            labels={"owner": "team"},
            description="People sign in",
            criticality="tier 1",
            reviewed=date(2026, 11, 1),
            group_by=("region",),
            low_traffic=LowTraffic(min_events=10_000_000),
            maintenance=(one_off("upgrade", AT - 60, AT + 60),),
        )
        shot = snapshot((subject(of, groups={"region": "eu"}, problem="refused"), SPENT))
        data = slos(shot)
        [found] = data.pop("slos")
        assert data == {"at": AT, "total": 1, "offset": 0}
        windows = found.pop("windows")
        alerts = found.pop("alerts")
        assert found == {
            "service": "auth",
            "slo": "availability",
            "groups": {"region": "eu"},
            "labels": {"owner": "team"},
            "description": "People sign in",
            "criticality": "tier 1",
            "reviewed": "2026-11-01",
            "objective": 0.999,
            "period": {"name": "30d", "start": AT - 30 * 86_400, "end": AT},
            "state": "ok",
            "problem": "refused",
            "coverage": 1.0,
            "budget": {
                "remaining": pytest.approx(0.4),
                "remaining_events": pytest.approx(400.0),
                "remaining_seconds": pytest.approx(0.4 * 0.001 * 30 * 86_400),
            },
            "raw_budget": found["budget"],
            "exhaustion_seconds": None,
            "policy": "default",
            "tier": {
                "name": "slow_down",
                "gate": "caution",
                "guidance": "slow feature releases down, prioritise reliability",
                "link": None,
                "exemptions": [],
                "since": None,
                "held": None,
                "recovery": None,
            },
            "tier_changes": [],
            "incidents": [],
            "firings": [],
            "maintenance": ["upgrade"],
            "override": None,
            "last_slot": AT,
            "lag_seconds": 0.0,
            "scrape_interval_seconds": None,
            "composite": None,
        }
        assert list(windows) == ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        assert windows["1h"] == {
            "bad": 600.0,
            "total": 1_000_000.0,
            "known": 1.0,
            "error_ratio": 0.0006,
            "burn_rate": pytest.approx(0.6),
        }
        assert alerts[0] == {
            "severity": "page",
            "long": "1h",
            "short": "5m",
            "threshold": pytest.approx(14.4),
            "firing": False,
            "held": False,
        }

    def test_alerts_that_fire_and_that_are_held_back(self):
        """As the metrics have it."""
        bad = (20.0, 1_000.0, 1.0)
        held = slo(name="held", low_traffic=LowTraffic(min_events=5_000))
        firing, waiting = slos(snapshot((subject(slo()), bad), (subject(held), bad)))["slos"]
        assert {(alert["firing"], alert["held"]) for alert in firing["alerts"]} == {(True, False)}
        assert {(alert["firing"], alert["held"]) for alert in waiting["alerts"]} == {(False, True)}

    def test_what_is_not_known_is_null(self):
        """And so is what is infinite: JSON has no word for it."""
        of = slo()
        unknown = (0.0, 0.0, 0.0)
        nothing, resting = slos(
            snapshot(
                (subject(of, last_slot=None), unknown),
                (subject(slo(name="rests")), every_window(of, (0.0, 10.0, 1.0))),
            )
        )["slos"]
        assert (nothing["budget"], nothing["tier"], nothing["last_slot"]) == (None, None, None)
        assert nothing["exhaustion_seconds"] is None
        assert nothing["state"] == "no_data"
        assert resting["exhaustion_seconds"] is None
        assert resting["budget"]["remaining"] == 1.0

    def test_no_number_is_written_that_json_does_not_have(self):
        """Not even where a figure should never be one."""
        shot = snapshot((subject(slo(), last_slot=math.nan), (math.inf, math.inf, 1.0)))
        text = answers.slos(shot, {}).decode()
        json.loads(text, parse_constant=pytest.fail)

    def test_a_calendar_period_ends_when_its_unit_does(self):
        """Whatever of it lies behind."""
        [found] = slos(snapshot((subject(slo(period=CalendarPeriod("month", "UTC"))), SPENT)))[
            "slos"
        ]
        assert found["period"]["end"] - found["period"]["start"] == 30 * 86_400  # November
        assert found["period"]["end"] > AT

    def test_before_the_first_evaluation_there_are_none(self):
        """And there is no moment that they are of."""
        nothing = Snapshot(at=0, slos=(), services=())
        assert slos(nothing) == {"at": None, "total": 0, "offset": 0, "slos": []}


class TestPages:
    MANY = snapshot(
        *[(subject(slo(service=f"service-{i % 2}", name=f"slo-{i}")), SPENT) for i in range(10)]
    )

    @pytest.mark.parametrize(
        ("query", "total", "names"),
        [
            ({}, 10, range(10)),
            ({"service": "service-1"}, 5, (1, 3, 5, 7, 9)),
            ({"service": "service-1", "limit": "2"}, 5, (1, 3)),
            ({"service": "service-1", "limit": "2", "offset": "4"}, 5, (9,)),
            ({"limit": "3", "offset": "8"}, 10, (8, 9)),
            ({"offset": "10"}, 10, ()),
            ({"service": "service"}, 0, ()),
            ({"service": ""}, 0, ()),
        ],
    )
    def test_a_service_and_a_part_of_the_list(self, query, total, names):
        """`total` counts what there is, whatever of it is shown."""
        data = slos(self.MANY, **query)
        assert data["total"] == total
        assert [each["slo"] for each in data["slos"]] == [f"slo-{i}" for i in names]

    def test_one_answer_is_bounded(self, monkeypatch):
        """What is left can be asked for."""
        monkeypatch.setattr(answers, "MOST_SLOS", 4)
        data = slos(self.MANY, offset="4")
        assert (data["total"], len(data["slos"])) == (10, 4)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"limit": "0"}, "limit must be a whole number, at least 1 and at most 1000"),
            ({"limit": "1001"}, "limit must be a whole number, at least 1 and at most 1000"),
            ({"limit": "ten"}, "limit must be a whole number, at least 1 and at most 1000"),
            ({"offset": "-1"}, "offset must be a whole number, at least 0"),
            ({"offset": "²"}, "offset must be a whole number, at least 0"),
            ({"offset": "9" * 5_000}, "offset must be a whole number, at least 0"),
        ],
    )
    def test_a_number_that_is_none_is_named(self, query, message):
        """With what would be right."""
        with pytest.raises(InvalidRequestError, match=f"^{message}$"):
            answers.slos(self.MANY, query)
