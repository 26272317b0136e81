"""What a client may take in seconds, and how the server stops: over sockets."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from exporter.web.server.settings import Limits
from tests.helpers.web.bounded import LARGE, TEXT, post
from tests.helpers.web.serving import PATIENCE, Serving, answered, get, rest, status, until

SHORT = Limits(head=0.5, body=0.5, answer=1.0, idle=1)
"""Times that are over soon."""

KEPT = get().replace(b"Connection: close\r\n", b"")
"""A request after which the connection stays."""


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """With the limits that users have."""
    with Serving(shot=LARGE) as serving:
        yield serving


@pytest.fixture(scope="module")
def hurried() -> Iterator[Serving]:
    """With short times, and a page that is there at once."""
    serving = Serving(limits=SHORT, shot=LARGE)
    serving.publisher.page(TEXT)
    with serving:
        yield serving


def trickle(client: socket.socket, text: bytes) -> bytes:
    """What is answered to somebody who sends a byte now and then; it must end, by their server."""
    client.settimeout(0.1)
    answer = b""
    deadline = time.monotonic() + PATIENCE
    for place in range(10**6):
        assert time.monotonic() < deadline, "it goes on for ever"
        try:
            client.sendall(text[place % len(text) :][:1])
            found = client.recv(4_096)
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
        if not found:
            return answer
        answer += found
    return answer


class TestTimes:
    def test_a_connection_without_a_word_is_ended(self, hurried):
        """It would keep its place for ever."""
        with hurried.connect() as client:
            assert rest(client) == b""

    def test_a_head_that_never_ends_is_cut_off(self, hurried):
        """However steadily its bytes arrive."""
        with hurried.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            assert trickle(client, b"a") == b""

    def test_the_second_head_is_bounded_as_well(self, hurried):
        """On a connection that was used before."""
        with hurried.connect() as client:
            client.sendall(KEPT)
            assert answered(client) == 200
            assert trickle(client, b"GET / HTTP/1.1") == b""

    def test_a_body_that_does_not_come_is_given_up(self, hurried):
        """408, and nothing was done."""
        before = hurried.daemon.reloads
        assert hurried.ask(post("Content-Length: 10", body="a"))[0] == 408
        assert hurried.daemon.reloads == before

    def test_a_body_that_trickles_is_given_up(self, hurried):
        """408, however steadily it arrives."""
        with hurried.connect() as client:
            client.sendall(post("Content-Length: 60000"))
            assert status(trickle(client, b"a")) == 408

    def test_an_answer_that_nobody_takes_is_given_up(self, hurried):
        """The connection is gone, and what was written for it."""
        with hurried.connect() as client:
            client.sendall(get("/metrics"))
            until(lambda: hurried.connections)
            until(lambda: not hurried.connections)
            assert status(client.recv(4_096)) == 200

    def test_it_is_not_held_in_memory_whole(self, serving):
        """Only a part of it is under way to somebody who does not read."""
        with serving.connect() as client:
            client.sendall(get("/metrics"))

            def waiting() -> list[int]:
                return [
                    connection.transport.get_write_buffer_size()
                    for connection in serving.server.connections
                    if connection.flow and connection.flow.write_paused
                ]

            until(waiting)
            assert max(waiting()) < 1_000_000  # of some six

    def test_neither_are_answers_to_many_requests_at_once(self, hurried):
        """Sent one behind the other, none of them read."""
        with hurried.connect() as client:
            client.sendall(KEPT.replace(b"/-/healthy", b"/metrics") * 20)
            until(lambda: hurried.connections)
            until(lambda: not hurried.connections)

    def test_an_answer_that_is_taken_in_time_is_whole(self, serving):
        """Bit by bit, and much longer than one chunk."""
        with serving.connect() as client:
            client.sendall(get("/metrics"))
            answer = rest(client)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert len(body) > 4_000_000
        assert b'slo="slo-2999"' in body

    def test_a_connection_at_rest_is_ended(self, hurried):
        """After its answer, without a word."""
        with hurried.connect() as client:
            client.sendall(KEPT)
            assert answered(client) == 200
            assert rest(client) == b""

    def test_one_that_is_used_now_and_then_goes_on(self):
        """Its age ends nothing, only what takes too long."""
        with (
            Serving(limits=Limits(head=0.2, body=0.2, answer=0.2)) as serving,
            serving.connect() as client,
        ):
            for _ in range(4):
                client.sendall(KEPT)
                assert answered(client) == 200
                time.sleep(0.5)


class TestStopping:
    def test_an_answer_that_is_under_way_is_given(self):
        """Stopping waits for it, for a moment."""
        with Serving() as serving:
            gate = asyncio.Event()

            async def reload() -> None:
                await gate.wait()

            serving.daemon.reload = reload
            with serving.connect() as client:
                client.sendall(post())
                until(lambda: serving.server.server_state.tasks)
                serving.server.should_exit = True
                serving.loop.call_soon_threadsafe(serving.loop.call_later, 0.3, gate.set)
                assert status(rest(client)) == 200

    def test_nobody_is_waited_for_who_does_not_read(self, caplog):
        """Its connection is ended, nothing of it is left, and there is nothing to tell."""
        serving = Serving(shot=LARGE)
        serving.publisher.page(TEXT)
        with serving:
            client = serving.connect()
            client.sendall(get("/metrics"))
            until(
                lambda: any(
                    connection.flow and connection.flow.write_paused
                    for connection in serving.server.connections
                )
            )
        with client:
            assert len(rest(client)) < 5_000_000
        assert serving.server.connections == set()
        assert caplog.text == ""
