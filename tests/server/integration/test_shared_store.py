"""Two daemons on one PostgreSQL: what one is told, both answer, whatever happens to either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.demo.servers import PrometheusServer
from tests.helpers.integration.gated import services
from tests.helpers.integration.shared import Pair, ask, override, overrides, postmortems, ready
from tests.helpers.postgres import PostgresServer


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both run, and know all of the history."""
    folder = tmp_path_factory.mktemp("pair")
    with PostgresServer() as server, services(folder) as prometheus:
        pair = Pair(folder, prometheus.url, server)
        with pair.one, pair.other:
            pair.one.start("/-/healthy")
            pair.other.start()
            for each in (pair.one, pair.other):
                each.until_filled()
                each.until(lambda each=each: each.own("store_up") == 1)
            yield pair


def acknowledge(pair: Pair) -> int:
    """Acknowledge the one postmortem on one daemon; tell when its incident began."""
    pair.one.until(lambda: postmortems(pair.one) and postmortems(pair.other))
    [(start, done)] = postmortems(pair.one).items()
    assert not done
    body = {"service": "spent", "slo": "availability", "start": start, "by": "ada", "note": "PM-1"}
    assert ask(pair.one, "POST", "/api/v1/postmortems/acknowledge", body)[0] == 200
    return start


def test_an_override_holds_on_both(pair):
    """And counts for both: the quota is one. Told to each of them, it is one override."""
    status, made = override(pair.one, "slow")
    assert (status, made["stored"]) == (201, True)
    pair.other.until(lambda: overrides(pair.one) <= overrides(pair.other))
    assert override(pair.other, "slow")[1]["override"]["id"] == made["override"]["id"]
    status, second = override(pair.other, "slow", "another")
    assert status == 201
    for each in (pair.one, pair.other):
        assert override(each, "slow", "a third")[0] == 409
    id_ = second["override"]["id"]
    assert ask(pair.one, "DELETE", f"/api/v1/overrides/{id_}")[0] == 200
    ended = (id_, "another", False)
    pair.other.until(lambda: ended in overrides(pair.other))


def test_an_acknowledgement_is_known_to_both(pair):
    """Neither takes it back with what it stores of the incident later."""
    start = acknowledge(pair)
    pair.other.until(lambda: postmortems(pair.other) == {start: True})
    writes = pair.other.own("store_writes_total")
    pair.other.until(lambda: pair.other.own("store_writes_total") > writes + 2)
    assert postmortems(pair.one) == postmortems(pair.other) == {start: True}
    [row] = pair.server.execute("SELECT note FROM incident WHERE acknowledged_at IS NOT NULL")
    assert row == ("PM-1",)


def test_a_fresh_one_has_what_prometheus_has_lost(pair):
    """Its Prometheus knows nothing: the budget is that of the others all the same."""
    name, labels = "slo_error_budget_remaining_ratio", {"service": "spent"}
    with PrometheusServer() as empty, pair.daemon("fresh", empty.url) as fresh:
        fresh.start("/-/healthy")
        fresh.until(lambda: fresh.value(name, **labels) is not None)
        assert fresh.value(name, **labels) < -0.9
        assert fresh.value("slo_data_coverage_ratio", **labels) > 0.9
        assert overrides(fresh) == overrides(pair.one)


@pytest.mark.slow
def test_one_that_is_killed_leaves_all_it_was_told(pair):
    """The other goes on, and it does when it is back."""
    status, _ = override(pair.one, "auth")
    assert status == 201
    pair.one.kill()
    pair.other.until(lambda: any(why == "a hotfix" for _, why, _ in overrides(pair.other)))
    pair.one.start()
    assert overrides(pair.one) == overrides(pair.other)


def test_a_database_that_is_gone_is_said_and_made_up_for(pair):
    """Both go on from memory; what they were told meanwhile both know when it is back."""
    pair.server.kill()
    for each in (pair.one, pair.other):
        each.until(lambda each=each: each.own("store_up") == 0)
        assert "Nothing is stored: PostgreSQL by " in ready(each)
    status, made = override(pair.one, "well", "while it is away")
    assert (status, made["stored"]) == (201, False)
    status, again = override(pair.other, "spent", "also away")
    assert (status, again["stored"]) == (201, False)
    evaluations = pair.one.own("evaluations_total")
    pair.one.until(lambda: pair.one.own("evaluations_total") > evaluations + 1)
    pair.server.start()
    pair.server.wait()
    both = {made["override"]["id"], again["override"]["id"]}
    for each in (pair.one, pair.other):
        each.until(lambda each=each: both <= {id_ for id_, _, _ in overrides(each)})
        each.until(lambda each=each: each.own("store_up") == 1)
        assert ready(each) == "The exporter is ready.\n"
    assert "secret" not in pair.one.child.log.read_text()


@pytest.mark.slow
def test_a_restart_without_the_database_goes_on_once_it_is_there(pair):
    """It reads first, and then writes: nothing of what is stored is lost."""
    if not overrides(pair.one):
        assert override(pair.one, "auth")[0] == 201
    if True not in postmortems(pair.one).values():
        acknowledge(pair)
    before = overrides(pair.one)
    pair.one.stop()
    pair.server.kill()
    pair.one.start()
    assert overrides(pair.one) == set()
    pair.server.start()
    pair.server.wait()
    pair.one.until(lambda: overrides(pair.one) == before)
    pair.one.until(lambda: True in postmortems(pair.one).values())
