"""The simulation's Prometheus answers as a real one does, whatever the daemon asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.helpers.torture.receivers import PrometheusReceiver
from tests.helpers.torture.remote_write import STALE

KINDS = "burning,relabeled,restart of a target,target down,scrape gap,killed"
"""What makes the daemon ask in every way that it has."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """A simulation's samples, its requests, and its answers by Prometheus 3's ranges and by 2's."""
    file = tmp_path_factory.mktemp("recorded") / "asked.json"
    command = [sys.executable, "-m", "tests.helpers.simulation", "--seed", "5", "--kinds", KINDS]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([*command, "--record", str(file)], check=True, env=environment, stdout=-3)
    return json.loads(file.read_text())


@pytest.mark.slow
def test_the_simulated_prometheus_answers_as_a_real_one(prometheus_binary: Path, recorded):
    """The same series, with the same values, to everything that was asked."""
    with (
        PrometheusReceiver(prometheus_binary) as receiver,
        httpx.Client(base_url=receiver.url) as client,
    ):
        receiver.write(
            (labels.items(), [(at, STALE if value is None else value) for at, value in samples])
            for labels, samples in recorded["series"]
        )
        form = {"query": "count_over_time(vector(0)[1m:1m])", "time": "60"}
        told = client.post("/api/v1/query", data=form).json()["data"]["result"]
        closed = told[0]["value"][1] == "2"
        assert len(recorded["asked"]) > 200
        for path, asked, open_answer, closed_answer in recorded["asked"]:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            timed = asked if "time=" in asked or "start=" in asked else f"{asked}&time=0"
            answer = client.post(path, content=timed, headers=headers).json()["data"]
            ours = closed_answer if closed else open_answer
            assert ours["resultType"] == answer["resultType"]
            if answer["resultType"] == "scalar":
                continue  # time(), which was asked at the time that the simulation had
            mine, right = by_labels(ours), by_labels(answer)
            assert mine.keys() == right.keys(), asked
            for labels, samples in right.items():
                assert mine[labels] == pytest.approx(samples, rel=1e-9), asked


def by_labels(data: dict) -> dict:
    """The values of an answer by their times, by the series' labels."""
    return {
        tuple(sorted(each["metric"].items())): {
            at: float(value)
            for at, value in (each["values"] if "values" in each else [each["value"]])
        }
        for each in data["result"]
    }
