"""Three daemons that divide the services among them, asked as people and pipelines ask one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.demo.servers import PrometheusServer, http_get
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import BAD_OF_1000, HEAD, SLO, services
from tests.helpers.integration.sharded import sharded
from tests.helpers.integration.shared import CONFIG, ask, override
from tests.helpers.postgres import PostgresServer

NAMES = [*BAD_OF_1000, "absent"]
HOMES = {"spent": 0, "absent": 1, "well": 2, "slow": 2, "auth": 2}
"""Of three shards."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus with the services."""
    with services(tmp_path_factory.mktemp("services")) as server:
        yield server


@pytest.fixture(scope="module")
def shards(past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exporter]]:
    """All three have read all there is and have judged it; the middle one is started by need."""
    text = HEAD.format(url=past.url) + "".join(SLO.format(service=name) for name in NAMES)
    with ExitStack() as stack:
        found = [
            stack.enter_context(each)
            for each in sharded(tmp_path_factory.mktemp("shards"), text, 3)
        ]
        for each in found:
            each.child.start()
        for each in found:
            each.child.wait_ready("/-/ready")
            each.until_filled()
        found[2].until(
            lambda: found[2].value("slo_policy_tier", service="auth", tier="freeze") == 1
        )
        found[0].until(
            lambda: found[0].value("slo_policy_tier", service="spent", tier="exhausted") == 1
        )
        yield found


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def status(daemon: Exporter, path: str) -> tuple[int, str]:
    found, body = http_get(daemon.child.port, path)
    return found, body.decode()


def left(daemon: Exporter, service: str) -> float:
    """What is left of the budget of a service's SLO, once it is known."""
    name = "slo_error_budget_remaining_ratio"
    daemon.until(lambda: daemon.value(name, service=service) is not None)
    found = daemon.value(name, service=service)
    assert found is not None
    return found


def test_each_has_its_own_services(shards):
    """Each of them once, and metrics of themselves that the rules tell apart."""
    for number, each in enumerate(shards):
        for service, home in HOMES.items():
            there = each.value("slo_objective_ratio", service=service) is not None
            assert there == (number == home), (number, service)
        assert each.own("total_shards", shard=str(number)) == 3
        assert each.own("datasource_up", shard=str(number), datasource="prometheus") == 1


def test_the_gate_decides_alike_whichever_is_asked(shards):
    """By the status as well: a client that follows no redirect is told the truth."""
    expected = {"well": 200, "slow": 200, "auth": 423, "spent": 423, "absent": 503, "nobody": 503}
    for service, code in expected.items():
        path = f"/api/v1/gate?service={service}&enforce=true"
        found = [status(each, path) for each in shards]
        assert {each for each, _ in found} == {code}, service
        decisions = [json.loads(text)["data"]["decision"] for _, text in found]
        assert len(set(decisions)) == 1, service
        assert {ask(each, "POST", path)[0] for each in shards} == {code}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("well", "slow"), 0),
        (("well", "absent"), 3),
        (("absent", "spent", "well"), 2),
        (("well", "nobody"), 3),
    ],
)
def test_of_several_services_the_worst_decision_counts(shards, asked, code):
    """Over all shards, with one server named."""
    found = cli("gate", "--server", shards[1].child.url, "--output", "json", *asked)
    assert found.exit_code == code
    assert [each["service"] for each in json.loads(found.output)["services"]] == list(asked)


def test_pages_are_there_whichever_is_asked(shards):
    """That of an SLO, its history, and the overview of a service and of a shard."""
    for each in shards:
        for service, home in HOMES.items():
            if service == "absent":  # nothing is known of it
                continue
            code, page = status(each, f"/slo/{service}/availability")
            assert code == 200
            assert f'<h1><a href="/?service={service}">' in page
            code, page = status(each, f"/?service={service}")
            assert f'href="/slo/{service}/availability"' in page
            code, text = status(each, f"/api/v1/history?service={service}&slo=availability")
            assert json.loads(text)["data"]["total"] == 1
            code, page = status(each, f"/?shard={home}")
            assert f"These are the services of shard {home} of 3" in page
        assert status(each, "/slo/nobody/availability")[0] == 404


def test_an_override_is_recorded_by_the_one_that_has_the_service(shards):
    """Told to any, listed of all, and ended by its number."""
    servers = ("--server", shards[0].child.url)
    made = cli(*("override", *servers, "--by", "ada", "--why", "a hotfix", "--for", "2h"), "auth")
    assert made.exit_code == 0, made.output
    assert override(shards[1], "spent")[0] == 201
    for each in shards:
        assert status(each, "/api/v1/gate?service=auth&enforce=true")[0] == 200
    counted = "slo_policy_overrides_total"
    assert shards[2].value(counted, service="auth") == 1
    assert shards[0].value(counted, service="spent") == 1
    listed = cli("overrides", "list", *servers)
    assert "1  auth  in force" in listed.output
    assert "1  spent  in force" in listed.output
    # Each shard counts for itself.
    either = cli("overrides", "end", *servers, "1")
    assert either.exit_code == 1
    assert "override 1 is of auth and of spent: say which by --service" in either.output
    assert cli("overrides", "end", *servers, "1", "--service", "auth").exit_code == 0
    assert status(shards[1], "/api/v1/gate?service=auth&enforce=true")[0] == 423
    assert status(shards[1], "/api/v1/gate?service=spent&enforce=true")[0] == 200
    assert cli("overrides", "end", *servers, "7").output.endswith("there is no override 7\n")


def test_a_postmortem_is_found_and_acknowledged_through_any(shards):
    """The list is of all shards."""
    servers = ("--server", shards[1].child.url)
    shards[0].until(lambda: "spent/availability" in cli("postmortem", "list", *servers).output)
    word = ("--by", "ada", "--note", "https://wiki/pm-1")
    done = cli("postmortem", "ack", *servers, *word, "spent/availability")
    assert done.exit_code == 0, done.output
    assert "spent/availability" not in cli("postmortem", "list", *servers).output


def test_one_that_is_away_is_unknown_and_never_forgotten(shards):
    """What it has is said to be missing."""
    shards[0].kill()
    try:
        code, text = status(shards[2], "/api/v1/gate?service=spent&enforce=true")
        assert code == 503
        assert "shard 0 of 3, which does not answer at http://" in json.loads(text)["data"]["why"]
        assert status(shards[2], "/slo/spent/availability")[0] == 502
        server = ("--server", shards[2].child.url)
        assert cli("gate", *server, "well", "spent").exit_code == 3
        assert cli("gate", *server, "well").exit_code == 0
        for command in (("postmortem", "list"), ("overrides", "list")):
            found = cli(*command, *server)
            assert found.exit_code == 1
            assert "shard 0 of 3, which does not answer" in found.stderr
            assert "no postmortem is required" not in found.stdout
    finally:
        shards[0].start()


@pytest.mark.slow
def test_one_more_shard_takes_over_with_all_that_was_stored(past, tmp_path):
    """By PostgreSQL: its Prometheus knows nothing."""
    with PostgresServer() as server, PrometheusServer() as empty:
        secret = tmp_path / "postgres"
        secret.write_text(f"{server.url}\n")
        slos = "".join(SLO.format(service=name) for name in NAMES)
        text = CONFIG.format(url=past.url, secret=secret) + slos
        with ExitStack() as stack:
            two = [stack.enter_context(each) for each in sharded(tmp_path / "two", text, 2)]
            for each in two:
                each.start()
                each.until_filled()
            assert override(two[0], "auth")[0] == 201
            known = {}
            for service, home in {"well": 0, "slow": 0, "auth": 1, "spent": 0}.items():
                each = two[home]
                known[service] = left(each, service)
            for each in two:
                each.stop()  # what is known by then is stored
        text = CONFIG.format(url=empty.url, secret=secret) + slos
        with ExitStack() as stack:
            three = [stack.enter_context(each) for each in sharded(tmp_path / "three", text, 3)]
            for each in (three[0], three[2]):
                each.start()
            for service, home in HOMES.items():
                if service == "absent":
                    continue
                assert left(three[home], service) == pytest.approx(known[service], abs=0.02)
            assert ask(three[0], "GET", "/api/v1/gate?service=auth&enforce=true")[0] == 200
            tiers = ask(three[0], "GET", "/api/v1/slos?service=slow")[1]["slos"][0]["tier_changes"]
            assert tiers
