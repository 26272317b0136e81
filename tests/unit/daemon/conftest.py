"""A loop with everything about it faked, run for a number of sleeps; and a Prometheus, or none."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.loop import Loop
from tests.helpers.daemon.apps import Answers
from tests.helpers.evaluation.fake_daemon import Clock, EnoughError, FakeEngine, Observed
from tests.helpers.tcp_servers import QuietServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock) -> FakeEngine:
    return FakeEngine(clock)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def run(monkeypatch, clock, engine, observed):
    """Run the loop for so many sleeps; the log lines come back."""

    def running(sleeps: int, on_sleep: Callable[[float], None] = lambda _: None, **settings):
        really_sleep = asyncio.sleep

        async def sleep(seconds: float) -> None:
            clock.slept.append(seconds)
            if len(clock.slept) >= sleeps:
                raise EnoughError
            clock.now += seconds
            on_sleep(seconds)
            await really_sleep(0)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        loop = Loop(engine, EvaluationSettings(**settings), observed, clock)
        with capture_logs() as logs, pytest.raises(ExceptionGroup) as caught:
            asyncio.run(asyncio.wait_for(loop.run(), timeout=20))
        assert caught.group_contains(EnoughError)
        return logs

    return running


@pytest.fixture
def answering() -> Iterator[str]:
    """The URL of something that answers as Prometheus would."""
    with QuietServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def absent() -> Iterator[str]:
    """A URL where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
