"""Which services rows are of, how each is selected, and what is there twice."""

import pytest

from exporter.suggest.health import is_check
from exporter.suggest.kinds import APPLICATION, NAMESPACE
from exporter.suggest.services import choose_replica, identify, names, services


def found(*rows, **more):
    """The services of rows: by name and scopes, what selects each, and its notes."""
    result, _ = services(rows, APPLICATION, NAMESPACE, **more)
    return {
        each.identity.name: (",".join(map(str, each.matchers)), tuple(each.notes))
        for each in result
    }


@pytest.mark.parametrize(
    ("row", "name", "scopes", "selected"),
    [
        ({"job": "cart"}, "cart", ("", "", ""), 'job="cart"'),
        (
            {"job": "pods", "app": "cart", "namespace": "shop"},
            "cart",
            ("shop", "", ""),
            'app="cart",namespace="shop"',
        ),
        (
            {"job": "otel", "service_name": "cart", "env": "prod", "cluster": "eu"},
            "cart",
            ("", "eu", "prod"),
            'service_name="cart",cluster="eu",env="prod"',
        ),
        ({"job": "shop/cart"}, "cart", ("shop", "", ""), 'job="shop/cart"'),
        ({"job": "a/b/c"}, "a.b.c", ("", "", ""), 'job="a/b/c"'),
        ({"service": "my svc\n#x"}, "my.svc.#x", ("", "", ""), 'service="my svc\\n#x"'),
        ({"job": "federate", "exported_job": "cart"}, "cart", ("", "", ""), 'exported_job="cart"'),
    ],
)
def test_whose_a_row_is(row, name, scopes, selected):
    """By the first label that is set; in names nothing that a command or a comment trips over."""
    identity = identify(row, APPLICATION, NAMESPACE)
    assert (identity.name, identity.scopes) == (name, scopes)
    assert ",".join(map(str, identity.matchers)) == selected


def test_a_name_within_a_labels_value():
    """As Traefik's `cart@docker`."""
    identity = identify({"service": "cart@docker"}, ["service"], (), r"(.+?)(?:@[a-z]+)?")
    assert identity.name == "cart"


def test_nobodys_rows_are_counted():
    """They are said to be left out."""
    assert services([{"x": "y"}], APPLICATION, NAMESPACE) == ([], 1)


def test_federated_copies_are_left_out():
    """Under a job of their own, or beside a label that both have."""
    direct, copy = {"job": "cart"}, {"job": "federate", "exported_job": "cart"}
    selected, notes = found(copy, direct)["cart"]
    assert selected == 'job="cart"'
    assert "exported_job" in notes[0]
    selected, notes = found(copy | {"app": "cart"}, direct | {"app": "cart"})["cart"]
    assert selected == 'app="cart",exported_job=""'
    assert "twice" in notes[0]


def test_a_pushed_job_is_no_copy():
    """The Pushgateway's own job is another."""
    assert found({"job": "pushgateway", "exported_job": "batch"})["batch"] == (
        'exported_job="batch"',
        (),
    )


def test_of_two_reporters_the_preferred_one_counts():
    """And another where it does not report."""
    one_of = ("reporter", ("destination", "waypoint", "source"))
    both = [{"app": "a", "reporter": "source"}, {"app": "a", "reporter": "destination"}]
    assert found(*both, one_of=one_of)["a"] == ('app="a",reporter="destination"', ())
    selected, notes = found(both[0], one_of=one_of)["a"]
    assert selected == 'app="a",reporter="source"'
    assert "no reporter destination" in notes[0]


def test_one_replica_of_two_is_counted():
    """The first by name, always the same."""
    rows = [{"job": "a", "prometheus_replica": each} for each in ("b", "a")]
    [service], _ = services(rows, APPLICATION, NAMESPACE)
    choose_replica(service, "prometheus_replica")
    assert str(service.matchers[-1]) == 'prometheus_replica="a"'
    assert service.rows == [rows[1]]


def test_services_of_one_name_are_told_apart_by_what_differs():
    """And others keep their short names."""
    keys = {
        ("api", ("prod", "eu", "")),
        ("api", ("prod", "us", "")),
        ("web", ("prod", "eu", "")),
    }
    assert sorted(names(keys).values()) == ["api.eu", "api.us", "web"]


@pytest.mark.parametrize(
    "route",
    [
        "/health", "/healthz", "/api/v1/healthcheck", "/health/live", "/-/ready", "/-/healthy",
        "/actuator/health", "/manage/actuator/prometheus", "/metrics", "/ping", "/live", "/readyz",
        "grpc.health.v1.Health", "grpc.health.v1.Health/Check",
    ],
)  # fmt: skip
def test_health_checks(route):
    """Of all the usual spellings."""
    assert is_check(route)


@pytest.mark.parametrize(
    "route",
    ["/", "/cart", "/live/streams", "/users/{id}/metrics", "/wealth", "metrics", "/healthy-food"],
)
def test_what_users_do_is_no_health_check(route):
    """Also where a word of theirs is like one; `endpoint="metrics"` is a port's name."""
    assert not is_check(route)
