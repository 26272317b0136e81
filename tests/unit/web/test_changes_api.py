"""Changes over HTTP and by the commands, on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from click.testing import Result

from exporter.slo.changes import MOST_A_DAY
from exporter.slo.event_history import EventHistory
from exporter.slo.records import Change
from exporter.web.server.admin import AUTHENTICATED_ONLY
from tests.helpers.command_line import cli
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.serving import Serving

GOOD = (100.0, 1_000_000.0, 1.0)
SHOT = snapshot(
    (subject(slo(service="well")), GOOD),
    (subject(slo(service="auth")), (800.0, 1_000_000.0, 1.0)),
)
NEW = {"service": "well", "what": "v1.2.3", "by": "ada", "link": "https://ci.test/7?a=b"}


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A server of the test's own: what it is told stays."""
    with Serving(shot=SHOT) as serving:
        yield serving


@pytest.fixture
def url(serving) -> str:
    return f"http://127.0.0.1:{serving.port}"


@pytest.fixture
def client(url) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def data(answer: httpx.Response, code: int = 200) -> dict:
    assert answer.status_code == code, answer.text
    return answer.json()["data"]


class TestNoting:
    def test_it_is_noted_for_now(self, serving, client):
        """In whole seconds, as it was told."""
        before = int(time.time())
        answer = data(client.post("/api/v1/changes", json=NEW), 201)
        change = answer["change"]
        assert before <= change.pop("at") <= time.time()
        assert (change, answer["stored"]) == (NEW | {"source": "reported"}, False)
        [kept] = serving.daemon.noted.of("well")
        assert (kept.what, kept.by, kept.link) == ("v1.2.3", "ada", "https://ci.test/7?a=b")

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"at": 4e9}, "at must not be in the future"),
            ({"at": 1}, "at must be within the last year"),
            ({"at": "now"}, "at must be a time in Unix seconds"),
            ({"what": ""}, "what must be a string of 1 to 200 characters"),
            ({"what": "x" * 201}, "what must be a string of 1 to 200 characters"),
            ({"what": "a\nb"}, "what must be one line of printable characters"),
            ({"what": "\x1b[31mred"}, "what must be one line of printable characters"),
            ({"link": "javascript:alert(1)"}, "link must be an http or https URL"),
            ({"link": "https://x.test/" + "y" * 1_000}, "link must be an http or https URL"),
            ({"link": "ci.test"}, "link must be an http or https URL"),
            ({"source": "query"}, "source must be reported, experiment or experiment_over"),
        ],
    )
    def test_what_cannot_be_is_refused(self, serving, client, more, message):
        """With what would be right; nothing is noted."""
        answer = client.post("/api/v1/changes", json=NEW | more)
        assert answer.status_code == 400
        assert message in answer.json()["error"]
        assert not serving.daemon.noted.by_service

    def test_a_flood_is_a_conflict(self, serving, client):
        """It is said how many a day may have."""
        at = int(time.time()) - 3_600
        for number in range(MOST_A_DAY):
            serving.daemon.noted.note(Change("well", f"v{number}", at))
        answer = client.post("/api/v1/changes", json=NEW | {"at": at})
        assert (answer.status_code, answer.json()["errorType"]) == (409, "quota")
        assert "well has had 100 changes on" in answer.json()["error"]

    def test_not_everybody_may(self):
        """It changes state: what overrides need is needed here."""
        with Serving(shot=SHOT, admin=AUTHENTICATED_ONLY) as closed:
            answer = httpx.post(
                f"http://127.0.0.1:{closed.port}/api/v1/changes", json=NEW, trust_env=False
            )
        assert answer.status_code == 403
        assert not closed.daemon.noted.by_service


class TestListing:
    def test_the_newest_come_first(self, serving, client):
        """Of all services or one, of a span of time, so many."""
        now = int(time.time())
        for service, what, ago in (("well", "a", 300), ("auth", "b", 200), ("well", "c", 100)):
            serving.daemon.noted.note(Change(service, what, now - ago))

        def listed(query: str) -> tuple[list[str], int]:
            found = data(client.get(f"/api/v1/changes{query}"))
            return [each["what"] for each in found["changes"]], found["total"]

        assert listed("") == (["c", "b", "a"], 3)
        assert listed("?service=well") == (["c", "a"], 2)
        assert listed("?service=nobody") == ([], 0)
        assert listed(f"?since={now - 200}") == (["c", "b"], 2)
        assert listed(f"?until={now - 200}&limit=1") == (["b"], 2)

    def test_what_the_budget_paid_is_told_of_one_service(self, serving, client):
        """And null where that is not known."""
        now = int(time.time())
        serving.daemon.noted.note(Change("well", "v1", now - 7_000))
        [change] = data(client.get("/api/v1/changes"))["changes"]
        assert change["spent"] is None
        [change] = data(client.get("/api/v1/changes?service=well"))["changes"]
        assert change["spent"][0]["cost"]["share"] is None
        bounds = now - 7_200 + 30.0 * np.arange(241)
        ones = np.ones(240)
        serving.daemon.history = EventHistory(bounds, ones, ones * 10, ones)
        [change] = data(client.get("/api/v1/changes?service=well&slo=availability"))["changes"]
        [spent] = change["spent"]
        assert (spent["slo"], spent["groups"]) == ("availability", {})
        assert spent["cost"]["bad"] == pytest.approx(120.0)
        assert spent["cost"]["share"] == pytest.approx(0.12)  # of 1,000,000 x 0.1%

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("?services=well", "'services' is not known"),
            ("?slo=x", "slo needs service"),
            ("?since=yesterday", "since must be a time in Unix seconds"),
            ("?until=nan", "until must be a time in Unix seconds"),
            ("?limit=1001", "limit must be a whole number, at least 1 and at most 1000"),
            ("?service=a&service=b", "service must be given only once"),
            ("?service=", "service must be a string of 1 to 1000 characters"),
        ],
    )
    def test_a_question_that_is_not_understood_is_refused(self, client, query, message):
        """A filter that is misspelt would list everything."""
        answer = client.get(f"/api/v1/changes{query}")
        assert answer.status_code == 400
        assert message in answer.json()["error"]


class TestCommands:
    def test_add_tells_every_replica_the_same(self, serving, url):
        """The second one the time that the first one noted."""
        with Serving(shot=SHOT) as second:
            servers = ["--server", url, "--server", f"http://127.0.0.1:{second.port}"]
            more = ["--by", "ada", "--link", "https://ci.test/7"]
            result = cli("change", "add", "well", "v1.2.3", *more, *servers)
        assert result.exit_code == 0, result.output
        assert f"{url}: v1.2.3 of well noted for 20" in result.stdout
        assert serving.daemon.noted.of("well") == second.daemon.noted.of("well") != ()

    @pytest.mark.parametrize("unix", [False, True])
    def test_add_takes_times(self, serving, url, unix):
        """With a zone, in UTC without one, or in Unix seconds."""
        at = int(time.time()) - 7_200
        text = str(at) if unix else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        assert cli("change", "add", "well", "v1", "--at", text, "--server", url).exit_code == 0
        assert serving.daemon.noted.of("well") == (Change("well", "v1", at),)

    def test_add_says_what_is_wrong_with_a_time(self, url):
        """And how one is written."""
        result = cli("change", "add", "well", "v1", "--at", "yesterday", "--server", url)
        assert result.exit_code == 2
        assert "'yesterday' is not a time: write" in result.stderr

    def test_list_shows_what_each_took(self, serving, url):
        """Of one service; unknown is said to be."""
        at = int(time.time()) - 7_000
        serving.daemon.noted.note(Change("well", "v1", at, "ada", "https://ci.test/7", "query"))
        result = cli("change", "list", "well", "--server", url)
        line, spent = result.stdout.splitlines()
        assert line.endswith("well  v1  by ada  https://ci.test/7  seen in Prometheus")
        assert spent == "    availability: not known"
        assert "v1" in cli("change", "list", "--server", url).stdout
        assert cli("change", "list", "auth", "--server", url).stdout == "no changes\n"


class TestGate:
    def gate(self, url: str, service: str, *more: str) -> Result:
        return cli("gate", service, "--server", url, "--record", "v2", *more)

    def test_a_deploy_that_passes_is_noted(self, serving, url):
        """With who does it."""
        result = self.gate(url, "well", "--by", "ada", "--link", "https://ci.test/8")
        assert (result.exit_code, "v2 of well noted" in result.stdout) == (0, True)
        [change] = serving.daemon.noted.of("well")
        assert (change.what, change.by, change.link) == ("v2", "ada", "https://ci.test/8")

    def test_one_that_is_blocked_is_not(self, serving, url):
        """Nothing was deployed."""
        assert self.gate(url, "auth").exit_code == 2
        assert not serving.daemon.noted.by_service

    def test_a_change_that_cannot_be_noted_stops_nothing(self):
        """The gate has decided; it is said on stderr."""
        with Serving(shot=SHOT, admin=AUTHENTICATED_ONLY) as closed:
            result = self.gate(f"http://127.0.0.1:{closed.port}", "well", "--output", "json")
        assert result.exit_code == 0
        assert "The change was not noted: http://127.0.0.1" in result.stderr

    def test_a_link_needs_a_change(self, url):
        """It would be left out without a word."""
        result = cli("gate", "well", "--server", url, "--link", "https://ci.test/8")
        assert (result.exit_code, "--link and --by need --record" in result.stderr) == (2, True)
