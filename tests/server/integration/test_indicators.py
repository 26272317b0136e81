"""What an SLO says of itself when its indicator and the data do not fit."""

from __future__ import annotations

from dataclasses import replace

from exporter.demo.servers import PrometheusServer
from exporter.slo.model import EventsSli, LatencySli, Slo
from exporter.slo.snapshot import DataState
from tests.helpers.integration.cases import Grouped
from tests.helpers.integration.checks import assert_slots
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, status
from tests.helpers.integration.scenario import Case, objective


def slo(service: str, sli: EventsSli | LatencySli) -> Slo:
    return Slo(service=service, name="slo", objective=objective("99"), sli=sli)


class TestLatencyBounds:
    def test_that_do_not_exist_are_named_with_those_that_do(self, past: PrometheusServer):
        """A threshold between two bounds cannot be counted; the message lists the bounds."""
        wrong = slo("latency-1", LatencySli('latency_seconds{service="latency-1"}', 0.7))
        _, snapshot = run(past.url, [wrong], END)
        found = snapshot.slos[0]
        assert found.problem is not None
        assert "700ms" in found.problem
        assert "0.5, 1" in found.problem
        assert found.budget is None
        assert found.tier is None


class TestMissingSeries:
    def test_are_no_data(self, past: PrometheusServer):
        """Without series nothing is known: no ratio, no burn rate, no budget."""
        absent = slo("absent", EventsSli(total="absent_total", bad="absent_bad_total"))
        _, snapshot = run(past.url, [absent], END)
        found = snapshot.slos[0]
        assert found.state is DataState.NO_DATA
        assert {window.burn_rate for window in found.windows.values()} == {None}
        assert (found.budget, found.tier, found.coverage) == (None, None, 0)

    def test_of_traffic_alone_are_no_traffic(self, past: PrometheusServer, cases: dict[str, Case]):
        """Series that stand still have an error ratio of 0 and keep their budget's history."""
        idle = cases["idle_hours"].slo
        _, snapshot = run(past.url, [idle], END)
        found = snapshot.slos[0]
        assert found.state is DataState.NO_TRAFFIC
        assert found.windows["1h"].error_ratio == 0
        assert found.windows[idle.period.label].total > 0


class TestRefusedQueries:
    def test_are_their_own_slos_problem(self, past: PrometheusServer, cases: dict[str, Case]):
        """An SLO whose query Prometheus refuses says why; its neighbours are counted."""
        broken = slo("broken", EventsSli(total='a_total{b=~"(?x)c"}', bad='b_total{b=~"(?x)c"}'))
        good = cases["steady"]
        engine, snapshot = run(past.url, [broken, good.slo], END)
        problem = status(snapshot, broken).problem
        assert problem is not None
        assert "(?x" in problem
        assert status(snapshot, good.slo).problem is None
        assert_slots(engine, snapshot, good.slo, good.bad, good.total)


class TestMaxGroups:
    def test_keep_the_others_out_visibly(self, past: PrometheusServer, tenants: Grouped):
        """Groups beyond the cap are left out; those that are in are counted and say so."""
        capped = replace(tenants.slo, max_groups=2)
        engine, snapshot = run(past.url, [capped], END)
        assert [dict(found.groups) for found in snapshot.slos] == [
            {"tenant": "tenant-0"},
            {"tenant": "tenant-1"},
        ]
        for found in snapshot.slos:
            tenant = found.groups["tenant"]
            bad, total = tenants.bad[tenant].between, tenants.total[tenant].between
            assert_slots(engine, snapshot, capped, bad, total, tenant=tenant)
            assert found.problem is not None
            assert "max_groups (2)" in found.problem
            assert "left out" in found.problem
