"""The command `gate` towards a server that asks who it is: users, TLS, tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import bcrypt
import pytest
from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.web.server.settings import TlsSettings, WebSettings
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.serving import Serving

SHOT = snapshot((subject(slo()), (100.0, 1_000_000.0, 1.0)))
HASHED = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()


def gate(server: str, *more: object) -> Result:
    """Ask for the service auth, which may be deployed."""
    arguments = ["gate", "--server", server, *map(str, more), "auth"]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture
def password(tmp_path):
    """The file with the right password."""
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    return file


@pytest.fixture
def known() -> Iterator[str]:
    """A server that knows ada alone."""
    with Serving(lambda: WebSettings(users={"ada": HASHED}), shot=SHOT) as serving:
        yield f"http://127.0.0.1:{serving.port}"


class TestUsers:
    def test_the_right_one_gets_an_answer(self, known, password):
        """With the password of a file."""
        found = gate(known, "--username", "ada", "--password-file", password)
        assert found.exit_code == 0, found.output

    @pytest.mark.parametrize("user", [[], ["--username", "ada"], ["--username", "bob"]])
    def test_others_do_not_know(self, known, user):
        """Nothing is allowed to whoever may not ask."""
        found = gate(known, *user)
        assert found.exit_code == 3
        assert "User and password are needed. Give them by --username and" in found.output

    def test_a_password_needs_its_user(self, known, password):
        """Otherwise it would be left out without a word."""
        found = gate(known, "--password-file", password)
        assert (found.exit_code, "needs --username" in found.output) == (2, True)

    def test_a_file_that_is_not_there_is_named(self, known, tmp_path):
        """The decision is unknown."""
        found = gate(known, "--username", "ada", "--password-file", tmp_path / "none")
        assert found.exit_code == 3
        assert f"{tmp_path / 'none'} cannot be read: " in found.output


class TestTls:
    @pytest.fixture
    def server(self, authority, tmp_path) -> Iterator[str]:
        """A server with a certificate of the tests' authority."""
        tls = TlsSettings(*authority.write(tmp_path, "127.0.0.1"))
        with Serving(lambda: WebSettings(tls=tls), shot=SHOT) as serving:
            yield f"https://127.0.0.1:{serving.port}"

    def test_an_authority_of_ones_own_is_trusted(self, server, authority, tmp_path):
        """The one that is named."""
        found = gate(server, "--ca-file", authority.write_ca(tmp_path))
        assert found.exit_code == 0, found.output

    def test_nobody_else_is(self, server, stranger, tmp_path):
        """Neither without a name nor by another's."""
        for more in ([], ["--ca-file", stranger.write_ca(tmp_path, "stranger.pem")]):
            found = gate(server, *more)
            assert found.exit_code == 3
            assert "certificate verify failed" in found.output

    @pytest.mark.parametrize("text", [None, "no certificate"])
    def test_a_file_that_holds_no_certificate_is_named(self, server, tmp_path, text):
        """Or that is not there at all."""
        file = tmp_path / "ca.pem"
        if text:
            file.write_text(text)
        found = gate(server, "--ca-file", file)
        assert found.exit_code == 3
        assert f"{file} cannot be used: " in found.output


class _Odd(BaseHTTPRequestHandler):
    """Answers with what the test has put in `answer`, and remembers the token."""

    answer = b""
    seen: str | None = None

    def do_GET(self) -> None:
        type(self).seen = self.headers["Authorization"]
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[str]:
    """A server that answers something else."""
    _Odd.seen = None
    with HTTPServer(("127.0.0.1", 0), _Odd) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_token_is_sent_and_not_shown(odd, tmp_path):
    """It is for a proxy in front."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    found = gate(odd, "--bearer-token-file", file)
    assert _Odd.seen == "Bearer s3cret"
    assert "s3cret" not in found.output


@pytest.mark.parametrize("text", ["s3cret\nX-Evil: 1", "s3crét", ""])
def test_a_file_without_a_token_is_named(odd, tmp_path, text):
    """Neither is anything of it shown, nor is anything sent."""
    file = tmp_path / "token"
    file.write_text(text)
    found = gate(odd, "--bearer-token-file", file)
    assert (found.exit_code, _Odd.seen) == (3, None)
    assert f"{file} must hold a token on one line" in found.output
    assert "s3c" not in found.output


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": {}}',
        b'{"data": {"decision": "yes", "slos": []}}',
        b'{"data": {"decision": "allow"}}',
        b'{"data": {"decision": "allow", "slos": [{}]}}',
        b'{"data": {"decision": "allow", "slos": 7}}',
        b'{"data": {"decision": ["allow"], "slos": []}}',
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_an_answer_that_is_none_is_unknown(odd, answer, output):
    """Whatever else listens there lets nothing pass."""
    _Odd.answer = answer
    found = gate(odd, "--output", output)
    assert found.exit_code == 3
    assert "not in this API's format" in found.output or "did not give a decision" in found.output
