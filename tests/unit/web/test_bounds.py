"""What a client may take in bytes and seconds: over sockets, of a server that runs."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Iterator

import pytest

from exporter.exposition.publisher import Form
from exporter.web.server.guard import HEADERS
from exporter.web.server.settings import Limits
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.serving import PATIENCE, Serving, answered, get, rest, status, until

SHORT = Limits(head=0.5, body=0.5, answer=1.0, idle=1)
"""Times that are over soon."""

TEXT = Form(openmetrics=False, gzipped=False)

LARGE = snapshot(*[(subject(slo(name=f"slo-{i}")), (1.0, 1e6, 1.0)) for i in range(3_000)])
"""What makes a page that no socket buffer takes in."""

BODY = Limits().body_bytes
HEAD = Limits().head_bytes


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


KEPT = get().replace(b"Connection: close\r\n", b"")
"""A request after which the connection stays."""


def post(*headers: str, body: str = "") -> bytes:
    return get("/-/reload", *headers, method="POST", body=body)


END = b"0\r\n\r\n"


def chunked(*sizes: int) -> bytes:
    chunks = "".join(f"{size:x}\r\n{'a' * size}\r\n" for size in sizes)
    return post("Transfer-Encoding: chunked", body=chunks) + END


class TestBodies:
    def test_a_body_within_the_bound_is_taken(self, serving):
        """Whether its length is told or not."""
        told = post(f"Content-Length: {BODY}", body="a" * BODY)
        assert serving.ask(told)[0] == 200
        assert serving.ask(chunked(BODY // 2, BODY // 2))[0] == 200

    def test_one_that_is_told_to_be_longer_is_refused_unseen(self, serving):
        """413, before any of it was sent."""
        before = serving.daemon.reloads
        code, answer = serving.ask(post(f"Content-Length: {BODY + 1}"))
        assert code == 413
        assert answer.endswith(b"The body is longer than 65536 bytes.\n")
        assert serving.daemon.reloads == before

    def test_one_that_turns_out_longer_is_refused(self, serving):
        """413, and nothing was done."""
        before = serving.daemon.reloads
        assert serving.ask(chunked(BODY, 1))[0] == 413
        assert serving.daemon.reloads == before

    def test_the_refusal_reaches_a_client_that_goes_on_sending(self, serving, monkeypatch):
        """Its connection is not reset under its hands."""
        monkeypatch.setattr("exporter.web.server.guard.LINGER", PATIENCE)
        with serving.connect() as client:
            client.sendall(chunked(BODY, 1).removesuffix(END))
            assert select.select([client], [], [], PATIENCE)[0]
            for _ in range(5):
                client.sendall(f"{BODY:x}\r\n{'a' * BODY}\r\n".encode())
                time.sleep(0.05)
            client.sendall(END)
            assert status(rest(client)) == 413

    def test_what_is_broken_behind_a_body_too_long_harms_nobody(self, serving, caplog):
        """One answer is enough, and no fault of the server's is logged."""
        too_long = chunked(BODY, 1).removesuffix(END)
        assert serving.ask(too_long + b"x\r\n")[0] in {400, 413}
        with serving.connect() as client:
            client.sendall(too_long)
            assert select.select([client], [], [], PATIENCE)[0]
            client.sendall(b"x\r\n")
            assert status(rest(client)) == 413
        assert caplog.text == ""

    def test_a_client_that_asks_first_is_told_to_go_on(self, serving):
        """`Expect: 100-continue`, as curl sends it."""
        with serving.connect() as client:
            client.sendall(post("Content-Length: 1", "Expect: 100-continue"))
            assert status(client.recv(4_096)) == 100
            client.sendall(b"a")
            assert status(rest(client)) == 200

    def test_a_client_that_leaves_amid_its_body_has_asked_for_nothing(self, serving):
        """Half a request changes nothing."""
        before = serving.daemon.reloads
        with serving.connect() as client:
            client.sendall(post("Content-Length: 2", body="a"))
            until(lambda: serving.connections)
        until(lambda: not serving.connections)
        assert serving.daemon.reloads == before

    def test_broken_framing_is_refused(self, serving):
        """400; nothing was done."""
        before = serving.daemon.reloads
        assert serving.ask(post("Transfer-Encoding: chunked", body="x\r\n"))[0] == 400
        assert serving.daemon.reloads == before


class TestHeads:
    @pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["at once", "without end"])
    def test_long_headers_are_refused(self, serving, end):
        """431, be they complete or not."""
        request = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD + end
        assert serving.ask(request)[0] == 431

    def test_many_headers_are_refused(self, serving):
        """It is their sum that counts."""
        assert serving.ask(get("/", *["X: a"] * HEAD))[0] == 431

    @pytest.mark.parametrize("before", ["/", "/?"])
    def test_a_long_target_is_refused(self, serving, before):
        """Path or query."""
        assert serving.ask(get(before + "a" * HEAD))[0] == 431

    def test_what_browsers_and_proxies_send_is_taken(self, serving):
        """Half the bound is plenty."""
        assert serving.ask(get("/-/healthy", "Cookie: " + "a" * (HEAD // 2)))[0] == 200

    @pytest.mark.parametrize(
        "request_",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"\r\n\r\n\r\n",
        ],
        ids=["TLS", "no host", "no name", "negative length", "two lengths", "blank lines"],
    )
    def test_what_is_no_http_is_refused(self, serving, request_):
        """400, and the connection ends."""
        assert serving.ask(request_)[0] == 400

    @pytest.mark.parametrize(
        "request_",
        [
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD,
            post(f"Content-Length: {BODY + 1}"),
        ],
        ids=["400", "431", "413"],
    )
    def test_refusals_carry_the_headers_of_every_answer(self, serving, request_):
        """A browser is told the same, whatever it asked."""
        _, answer = serving.ask(request_)
        for name, value in HEADERS.items():
            assert f"{name}: {value}".lower().encode() in answer.lower()

    def test_rubbish_fills_no_log(self, serving, capfd, caplog):
        """Anybody could send it."""
        for _ in range(3):
            serving.ask(b"nonsense\r\n\r\n")
        assert caplog.text == ""
        assert capfd.readouterr().err == ""


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
                    one.transport.get_write_buffer_size()
                    for one in serving.server.connections
                    if one.flow and one.flow.write_paused
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
                    one.flow and one.flow.write_paused for one in serving.server.connections
                )
            )
        with client:
            assert len(rest(client)) < 5_000_000
        assert serving.server.connections == set()
        assert caplog.text == ""
