"""The gate, overrides and postmortems over HTTP, on a real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from exporter.slo.overrides import OverrideLimits
from exporter.slo.records import Incident
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.serving import Serving

GOOD = (100.0, 1_000_000.0, 1.0)
SLOW = (600.0, 1_000_000.0, 1.0)
FROZEN = (800.0, 1_000_000.0, 1.0)
NOTHING = (0.0, 0.0, 0.0)

SHOT = snapshot(
    (subject(slo(service="well")), GOOD),
    (subject(slo(service="slow")), SLOW),
    (subject(slo(service="auth")), FROZEN),
    (subject(slo(service="auth", name="latency")), GOOD),
    (subject(slo(service="new")), NOTHING),
)

WORD = {"service": "auth", "by": "ada", "why": "a hotfix", "duration": "4h"}
DONE = {
    "service": "auth",
    "slo": "availability",
    "groups": {"region": "eu"},
    "start": AT,
    "by": "ada",
    "note": "https://wiki.test/pm-7",
}


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A server of the test's own: what it is told stays."""
    with Serving(shot=SHOT) as serving:
        yield serving


@pytest.fixture
def client(serving) -> Iterator[httpx.Client]:
    """A client of it."""
    url = f"http://127.0.0.1:{serving.port}"
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def error(answer: httpx.Response, code: int, kind: str = "bad_data") -> str:
    """What an answer complains of."""
    assert answer.status_code == code, answer.text
    found = answer.json()
    assert (found["status"], found["errorType"]) == ("error", kind)
    return found["error"]


def data(answer: httpx.Response, code: int = 200) -> dict:
    """What an answer holds."""
    assert answer.status_code == code, answer.text
    assert answer.json()["status"] == "success"
    return answer.json()["data"]


class TestGate:
    @pytest.mark.parametrize(
        ("service", "decision", "enforced"),
        [
            ("well", "allow", 200),
            ("slow", "caution", 200),
            ("auth", "block", 423),
            ("new", "unknown", 503),
            ("nobody", "unknown", 503),
        ],
    )
    def test_the_status_tells_the_decision_only_where_that_is_asked_for(
        self, client, service, decision, enforced
    ):
        """200 whatever it is, unless it is to be enforced; the body is the same."""
        for more, code in (("", 200), ("&enforce=false", 200), ("&enforce=true", enforced)):
            answer = client.get(f"/api/v1/gate?service={service}{more}")
            assert data(answer, code)["decision"] == decision

    def test_the_worst_slo_decides_and_all_are_told(self, client):
        """With tier, guidance and what would pass."""
        found = data(client.get("/api/v1/gate?service=auth"))
        assert (found["at"], found["service"], found["slo"]) == (AT, "auth", None)
        worst, other = found["slos"]
        assert (worst["slo"], worst["tier"], worst["decision"]) == (
            "availability",
            "freeze",
            "block",
        )
        assert worst["guidance"] == "feature freeze, work on the SLO"
        assert worst["exemptions"] == ["p0", "security"]
        assert worst["exhaustion_seconds"] is None
        assert (other["slo"], other["decision"]) == ("latency", "allow")

    def test_one_slo_may_be_asked_for(self, client):
        """The others are no matter then."""
        found = data(client.get("/api/v1/gate?service=auth&slo=latency"))
        assert (found["decision"], len(found["slos"])) == ("allow", 1)

    def test_a_reason_that_is_exempted_passes(self, client):
        """And only that one."""
        found = data(client.get("/api/v1/gate?service=auth&reason=security&enforce=true"))
        assert (found["decision"], found["slos"][0]["exempted"]) == ("allow", True)
        found = data(client.get("/api/v1/gate?service=auth&reason=feature&enforce=true"), 423)
        assert "known are p0, security" in found["why"]

    def test_webhooks_may_post(self, client):
        """Flagger does, with a body of its own."""
        answer = client.post(
            "/api/v1/gate?service=auth&enforce=true", json={"name": "auth", "phase": "Progressing"}
        )
        assert data(answer, 423)["decision"] == "block"

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("", "service is required"),
            ("slo=latency", "service is required"),
            ("service=", "service must be a string of 1 to 1000 characters"),
            ("service=auth&slo=", "slo must be a string of 1 to 1000 characters"),
            ("service=" + "a" * 1_001, "service must be a string of 1 to 1000 characters"),
            ("service=auth&service=well", "service must be given only once"),
            ("service=auth&enforce=yes", "enforce must be true or false"),
            (
                "service=auth&enforc=true",
                "'enforc' is not known: known are service, slo, reason, enforce",
            ),
        ],
    )
    def test_a_question_that_is_not_understood_is_no_decision(self, client, query, message):
        """400: a pipeline with a typing mistake must not pass."""
        assert error(client.get(f"/api/v1/gate?{query}"), 400) == message


class TestOverrides:
    def test_one_changes_the_decision_at_once(self, client):
        """Of the service, or of the SLO alone; the tier stays."""
        assert data(client.get("/api/v1/gate?service=auth"))["decision"] == "block"
        made = data(client.post("/api/v1/overrides", json=WORD), 201)
        assert made["stored"] is False
        override = made["override"]
        assert override["until"] - override["start"] == 4 * 3_600
        assert override["start"] == pytest.approx(time.time(), abs=60)
        assert (override["id"], override["slo"], override["in_force"]) == (1, None, True)
        found = data(client.get("/api/v1/gate?service=auth"))
        [worst] = [each for each in found["slos"] if each["slo"] == "availability"]
        assert (found["decision"], worst["overridden"], worst["tier"]) == ("allow", True, "freeze")
        assert (worst["override"]["by"], worst["override"]["why"]) == ("ada", "a hotfix")

    def test_one_of_another_slo_changes_nothing(self, client):
        """It holds for what it names."""
        data(client.post("/api/v1/overrides", json=WORD | {"slo": "latency"}), 201)
        assert data(client.get("/api/v1/gate?service=auth"))["decision"] == "block"

    def test_one_may_be_ended_and_its_record_stays(self, client):
        """Ending it again changes nothing."""
        data(client.post("/api/v1/overrides", json=WORD), 201)
        ended = data(client.delete("/api/v1/overrides/1"))["override"]
        assert ended["in_force"] is False
        assert data(client.get("/api/v1/gate?service=auth"))["decision"] == "block"
        assert data(client.delete("/api/v1/overrides/1"))["override"] == ended
        assert data(client.get("/api/v1/overrides"))["overrides"] == [ended]
        for number in ("2", "one", "1/2", "9" * 40):
            answer = client.delete(f"/api/v1/overrides/{number}")
            assert error(answer, 404, "not_found").startswith("there is no override ")

    def test_all_are_listed_newest_first(self, client):
        """With what they are held to; those of one service alone if it is named."""
        until = time.time() + 60
        for service in ("auth", "well"):
            word = {"service": service, "by": "ada", "why": "because", "until": until}
            data(client.post("/api/v1/overrides", json=word), 201)
        found = data(client.get("/api/v1/overrides"))
        assert [each["service"] for each in found["overrides"]] == ["well", "auth"]
        assert found["overrides"][0]["until"] == until
        assert found["limits"] == {"longest_seconds": 72 * 3_600, "per_quarter": 3}
        assert found["stored"] is False
        found = data(client.get("/api/v1/overrides?service=auth"))
        assert [each["service"] for each in found["overrides"]] == ["auth"]

    def test_the_quota_is_kept_to(self, serving, client):
        """The one too many is refused, and changes nothing."""
        serving.daemon.limits = OverrideLimits(per_quarter=1)
        data(client.post("/api/v1/overrides", json=WORD | {"duration": "1h"}), 201)
        answer = client.post("/api/v1/overrides", json=WORD)
        assert "auth has had its 1 overrides of this quarter" in error(answer, 409, "quota")
        assert len(data(client.get("/api/v1/overrides"))["overrides"]) == 1

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "the body must be JSON: "),
            (b"{'service': 'auth'}", "the body must be JSON: "),
            (b'{"service": "\xff"}', "the body must be JSON: "),
            (b"[]", "the body must be a JSON object"),
            ({"who": "ada"}, "'who' is not known: known are service, slo, by, why, until, "),
            (
                {"who": 1, "by": ""},
                "by must be a string of 1 to 1000 characters; 'who' is not known",
            ),
            ({"service": None}, "service must be a string of 1 to 1000 characters"),
            ({"service": ""}, "service must be a string of 1 to 1000 characters"),
            ({"slo": 7}, "slo must be a string of 1 to 1000 characters"),
            ({"by": "  "}, "by must be a string of 1 to 1000 characters"),
            ({"by": "a" * 1_001}, "by must be a string of 1 to 1000 characters"),
            ({"why": "a" * 1_001}, "why must be a string of 1 to 1000 characters"),
            ({"why": "one\ntwo"}, "why must be one line of printable characters"),
            ({"why": "\x1b[2J"}, "why must be one line of printable characters"),
            ({"duration": 4}, "duration must be a string such as 4h or 1h30m"),
            ({"duration": "four"}, "'four' is not a duration: write a number and a unit "),
            ({"duration": "0s"}, "until must be in the future"),
            ({"duration": "73h"}, "an override may last 3d at the most"),
            ({"duration": "9" * 25 + "y"}, "an override may last 3d at the most"),
            ({"duration": None, "until": 1}, "needs either until or duration"),
            ({"until": 1}, "needs either until or duration"),
        ],
    )
    def test_a_word_that_is_not_understood_is_refused(self, client, body, message):
        """400, with what is wrong; nothing is recorded."""
        if isinstance(body, dict):
            answer = client.post("/api/v1/overrides", json=WORD | body)
        else:
            answer = client.post("/api/v1/overrides", content=body)
        assert error(answer, 400).startswith(message)
        assert data(client.get("/api/v1/overrides"))["overrides"] == []

    @pytest.mark.parametrize("until", ["soon", True, -1, 1e300, 10**30, None])
    def test_an_end_must_be_a_time(self, client, until):
        """In Unix seconds, as all times are."""
        word = {name: text for name, text in WORD.items() if name != "duration"}
        answer = client.post("/api/v1/overrides", json=word | {"until": until})
        assert error(answer, 400) == "until must be a time in Unix seconds"


class TestPostmortems:
    def test_one_is_acknowledged(self, serving, client):
        """The answer is the incident, with who said so."""
        serving.daemon.incident = Incident(AT, AT + 600, 90.0, 0.3, False, postmortem=True)
        found = data(client.post("/api/v1/postmortems/acknowledge", json=DONE))["incident"]
        assert (found["start"], found["share"]) == (AT, 0.3)
        assert found["acknowledged"]["by"] == "ada"
        assert found["acknowledged"]["note"] == "https://wiki.test/pm-7"
        asked = serving.daemon.asked
        assert (asked.service, asked.slo, asked.groups) == ("auth", "availability", DONE["groups"])

    def test_an_incident_that_is_not_there_is_told(self, client):
        """404."""
        answer = client.post("/api/v1/postmortems/acknowledge", json=DONE)
        assert error(answer, 404, "not_found") == "there is no such incident"

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"slo": None}, "slo must be a string of 1 to 1000 characters"),
            ({"start": 1.5}, "start must be whole seconds"),
            ({"start": "yesterday"}, "start must be a time in Unix seconds"),
            ({"groups": ["eu"]}, "groups must be an object of labels and their values"),
            ({"groups": {"region": 1}}, "groups must be an object of labels and their values"),
            ({"note": ""}, "note must be a string of 1 to 1000 characters"),
            ({"why": "x"}, "'why' is not known: known are service, slo, groups, "),
        ],
    )
    def test_a_word_that_is_not_understood_is_refused(self, client, more, message):
        """400, with what is wrong."""
        answer = client.post("/api/v1/postmortems/acknowledge", json=DONE | more)
        assert error(answer, 400).startswith(message)


CHANGING: list[Callable[[httpx.Client, dict], httpx.Response]] = [
    lambda client, headers: client.post("/api/v1/overrides", json=WORD, headers=headers),
    lambda client, headers: client.delete("/api/v1/overrides/1", headers=headers),
    lambda client, headers: client.post(
        "/api/v1/postmortems/acknowledge", json=DONE, headers=headers
    ),
    lambda client, headers: client.post("/api/v1/gate?service=auth", headers=headers),
]


@pytest.mark.parametrize("ask", CHANGING)
def test_pages_of_other_sites_change_nothing(serving, client, ask):
    """403, whatever they ask for."""
    assert ask(client, {"Origin": "http://evil.example"}).status_code == 403
    assert serving.daemon.kept.all == ()
    assert serving.daemon.asked is None
    assert ask(client, {}).status_code != 403


def test_a_body_has_its_bounds(client):
    """As everywhere."""
    word = WORD | {"why": "a" * 70_000}
    assert client.post("/api/v1/overrides", json=word).status_code == 413
