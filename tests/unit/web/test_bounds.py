"""What a client may take in bytes: over sockets, of a server that runs."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

import pytest

from exporter.web.server.guard import HEADERS
from exporter.web.server.settings import Limits
from tests.helpers.web.bounded import LARGE, post
from tests.helpers.web.serving import PATIENCE, Serving, get, rest, status, until

BODY = Limits().body_bytes
HEAD = Limits().head_bytes


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """With the limits that users have."""
    with Serving(shot=LARGE) as serving:
        yield serving


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
