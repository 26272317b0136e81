"""The OpenAPI document describes every key of every answer, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import httpx
import jsonschema
import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.records import Acknowledgement, Incident, Override, TierChange
from exporter.slo.snapshot import Snapshot, TierStatus
from exporter.web.api import answers
from exporter.web.api.openapi import document
from exporter.web.daemon import StoreStatus
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.documented import validate
from tests.helpers.web.serving import Serving
from tests.helpers.web.shown import SPENT, with_status

DOCUMENT = document("1.2.3")
INCIDENT = Incident(AT, AT + 600, 90.0, 0.3, False, True, Acknowledgement(AT, "ada", "there"))
FULL = with_status(
    snapshot(
        (
            subject(
                slo(
                    labels={"owner": "team"},
                    description="People sign in",
                    criticality="tier 1",
                    reviewed=date(2026, 11, 1),
                    group_by=("region",),
                    maintenance=(one_off("upgrade", AT - 60, AT + 60),),
                ),
                groups={"region": "eu"},
                problem="refused",
            ),
            SPENT,
        )
    ),
    tier_status=TierStatus(
        AT, "held", (TierChange(AT, None, "freeze", "default", 0.2, 3_600, 14.4),), AT + 60.0
    ),
    incidents=(INCIDENT,),
    override=Override("auth", None, "ada", "because", AT, AT + 60.0, 1),
)
EMPTY = snapshot((subject(slo(), last_slot=None), (0.0, 0.0, 0.0)))
NEW = {"service": "auth", "by": "ada", "why": "because", "duration": "4h"}


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A server of the test's own."""
    with Serving(shot=FULL) as serving:
        yield serving


@pytest.fixture
def client(serving) -> Iterator[httpx.Client]:
    """A client of it."""
    url = f"http://127.0.0.1:{serving.port}/api/v1"
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def hold(answer: httpx.Response, path: str, status: int = 200) -> None:
    """An answer against the document."""
    assert answer.status_code == status, answer.text
    method = answer.request.method.lower()
    validate(DOCUMENT, f"/api/v1{path}", method, status, answer.json())


class TestAnswers:
    @pytest.mark.parametrize("shot", [FULL, EMPTY, Snapshot(at=0, slos=(), services=())])
    def test_slos(self, shot):
        """With everything that an SLO may have, and with nothing."""
        answer = json.loads(answers.slos(shot, {}))
        validate(DOCUMENT, "/api/v1/slos", "get", 200, answer)

    def test_the_state(self, serving, client):
        """With a store and without one."""
        hold(client.get("/status"), "/status")
        serving.daemon.shown = replace(
            serving.daemon.shown, store=StoreStatus("data", False, "disk full")
        )
        hold(client.get("/status"), "/status")

    def test_the_gate(self, client):
        """Each decision is the same model."""
        hold(client.get("/gate?service=auth"), "/gate")
        hold(client.post("/gate?service=nobody&enforce=true"), "/gate", 503)
        hold(client.get("/gate"), "/gate", 400)

    def test_overrides(self, serving, client):
        """Made, listed, refused, ended, absent."""
        hold(client.post("/overrides", json=NEW), "/overrides", 201)
        hold(client.get("/overrides"), "/overrides")
        hold(client.post("/overrides", json={}), "/overrides", 400)
        hold(client.delete("/overrides/1"), "/overrides/{id}")
        hold(client.delete("/overrides/2"), "/overrides/{id}", 404)

    def test_changes(self, client):
        """Noted, listed with and without what they took, refused."""
        change = {"service": "auth", "what": "v2", "by": "ada", "link": "https://ci.test/7"}
        hold(client.post("/changes", json=change), "/changes", 201)
        hold(client.get("/changes"), "/changes")
        hold(client.get("/changes?service=auth&limit=1"), "/changes")
        hold(client.get("/changes?limit=0"), "/changes", 400)
        hold(client.post("/changes", json={}), "/changes", 400)

    def test_postmortems(self, serving, client):
        """Acknowledged, and absent."""
        path, word = "/postmortems/acknowledge", {"slo": "x", "start": AT, "note": "there"}
        word |= {"service": "auth", "by": "ada"}
        hold(client.post(path, json=word), path, 404)
        serving.daemon.incident = INCIDENT
        hold(client.post(path, json=word), path)


def test_a_key_that_is_not_described_is_noticed():
    """Neither may one be missing, however deep."""
    answer = json.loads(answers.slos(FULL, {}))
    change = answer["data"]["slos"][0]["tier_changes"][0]
    for wrong in (change | {"why": "so"}, {}):
        answer["data"]["slos"][0]["tier_changes"] = [wrong]
        with pytest.raises(jsonschema.ValidationError):
            validate(DOCUMENT, "/api/v1/slos", "get", 200, answer)


def test_keys_that_come_later_break_no_client():
    """Answers are open in the document itself; only bodies are closed."""
    schemas = DOCUMENT["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if "additionalProperties" in schema}
    assert closed == {"NewOverride", "NewAcknowledgement", "NewChange"}
