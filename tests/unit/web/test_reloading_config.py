"""The web configuration follows its files while the server runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import bcrypt
import pytest
from structlog.testing import capture_logs

from exporter.config.errors import ConfigError
from exporter.config.reading.web_loading import load_web_file
from exporter.web.server.reloading_config import RETRY, SETTLE, ReloadingConfig
from exporter.web.server.settings import WebSettings, WebSettingsError
from tests.helpers.web.serving import PATIENCE, Serving, basic, get, until


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


class Folder:
    """A web configuration, with a certificate and users. Files appear at once, as by `mv`."""

    def __init__(self, authority, path: Path) -> None:
        self.authority = authority
        self.path = path
        self.file = path / "web.yaml"
        self.certificate("localhost")
        self.users(ada="one")

    def certificate(self, *names: str) -> None:
        for made, name in zip(
            self.authority.write(self.path, *names, stem="new"),
            ("server.pem", "server.key"),
            strict=True,
        ):
            made.replace(self.path / name)

    def users(self, **passwords: str) -> None:
        lines = ["tls_server_config: {cert_file: server.pem, key_file: server.key}"]
        lines += ["basic_auth_users:", *(f"  {n}: {hashed(p)}" for n, p in passwords.items())]
        self.write("\n".join(lines))

    def write(self, text: str) -> None:
        new = self.path / "new.yaml"
        new.write_text(text)
        new.replace(self.file)

    def read(self) -> WebSettings:
        try:
            return load_web_file(self.file)
        except ConfigError as error:
            raise WebSettingsError(str(error)) from error


@pytest.fixture
def folder(authority, tmp_path) -> Folder:
    """With a certificate for localhost, and the user ada with the password one."""
    return Folder(authority, tmp_path)


class Time:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Looking:
    """The watched files of a folder, and looks at them."""

    def __init__(self, folder: Folder) -> None:
        self.time = Time()
        self.watched = ReloadingConfig(folder.read, self.time)

    def look(self, seconds: float = 0.0) -> WebSettings:
        self.time.now += seconds
        self.watched.look()
        return self.watched.settings

    def settled(self) -> WebSettings:
        """After a look that sees a change, and another one once it has settled."""
        self.look()
        return self.look(SETTLE)


class TestWatching:
    def test_what_does_not_change_is_not_read_again(self, folder):
        """The very same settings and TLS stay."""
        looking = Looking(folder)
        before, context = looking.watched.settings, looking.watched.context
        assert looking.look(1_000) is before
        assert looking.watched.context is context

    def test_a_change_is_taken_over_once_it_has_settled(self, folder):
        """Not before: files may be written in pieces."""
        looking = Looking(folder)
        folder.users(bob="two")
        assert set(looking.look().users) == {"ada"}
        assert set(looking.look(SETTLE / 2).users) == {"ada"}
        assert set(looking.look(SETTLE / 2).users) == {"bob"}

    def test_a_further_change_begins_to_settle_anew(self, folder):
        """Neither half is read."""
        looking = Looking(folder)
        folder.users(bob="two")
        looking.look()
        folder.users(eve="three")
        assert set(looking.look(SETTLE).users) == {"ada"}
        assert set(looking.look(SETTLE).users) == {"eve"}

    @pytest.mark.parametrize("name", ["server.pem", "web.yaml"])
    def test_a_file_that_is_gone_changes_nothing(self, folder, name):
        """What was read last goes on, and what comes back is read."""
        looking = Looking(folder)
        before = looking.watched.settings
        shutil.move(folder.path / name, folder.path / "kept")
        assert looking.settled() is before
        shutil.move(folder.path / "kept", folder.path / name)
        assert looking.settled() is not before

    def test_an_empty_file_opens_nothing(self, folder):
        """Even one that rests for long: it is refused as every mistake is."""
        looking = Looking(folder)
        folder.write("")
        assert set(looking.settled().users) == {"ada"}

    def test_mistakes_are_told_of_once(self, folder):
        """By file, line and key; and so is that all is well again."""
        looking = Looking(folder)
        with capture_logs() as logs:
            folder.write("basic_auth_users: {ada: plain}\nrate_limit: {burst: many}\n")
            looking.settled()
            for _ in range(3):
                looking.look(RETRY)
            folder.users(bob="two")
            looking.settled()
        assert [line["log_level"] for line in logs] == ["warning", "info"]
        assert logs[0]["error"].splitlines() == [
            f"{folder.file}:1: basic_auth_users.ada: must be a bcrypt hash, "
            "as `htpasswd -nBC 10 USER` makes one",
            f"{folder.file}:2: rate_limit.burst: must be a whole number",
        ]
        assert logs[1]["event"] == "web configuration was reloaded"

    def test_what_is_named_may_come_later(self, folder):
        """Files that cannot be read yet are tried again."""
        looking = Looking(folder)
        text = folder.file.read_text()
        folder.write(text.replace("server.", "later."))
        assert looking.settled().tls.cert_file.name == "server.pem"
        for end in ("pem", "key"):
            shutil.copy(folder.path / f"server.{end}", folder.path / f"later.{end}")
        assert looking.look(RETRY).tls.cert_file.name == "later.pem"

    def test_files_that_are_named_anew_are_read_once(self, folder):
        """That they were not watched before is no change."""
        looking = Looking(folder)
        for end in ("pem", "key"):
            shutil.copy(folder.path / f"server.{end}", folder.path / f"later.{end}")
        folder.write(folder.file.read_text().replace("server.", "later."))
        after = looking.settled()
        assert looking.settled() is after

    def test_settings_and_certificate_are_swapped_together(self, folder):
        """A certificate that cannot be used keeps the new users out, too."""
        looking = Looking(folder)
        (folder.path / "server.pem").write_text("no certificate")
        folder.users(bob="two")
        assert set(looking.settled().users) == {"ada"}

    def test_the_first_reading_must_succeed(self, folder):
        """Nothing is served unprotected that was meant to be protected."""
        folder.write("basic_auth_users: {ada: plain}")
        with pytest.raises(WebSettingsError, match="must be a bcrypt hash"):
            ReloadingConfig(folder.read)


class TestOfAServerThatRuns:
    def names(self, serving: Serving) -> set[str]:
        with serving.connect(self.client) as connection:
            return {name for _, name in connection.getpeercert()["subjectAltName"]}

    @pytest.fixture(autouse=True)
    def _trusting(self, authority) -> None:
        self.client = authority.client()
        self.client.check_hostname = False

    def test_a_new_certificate_is_shown_to_new_connections(self, folder):
        """Those that were there before go on."""
        with Serving(folder.read) as serving, serving.connect(self.client) as early:
            assert self.names(serving) == {"localhost"}
            folder.certificate("localhost", "renewed.example")
            until(lambda: self.names(serving) == {"localhost", "renewed.example"})
            early.sendall(get())
            assert early.recv(4_096).startswith(b"HTTP/1.1 401 ")

    def test_a_broken_certificate_keeps_the_one_before(self, folder):
        """It is told of once, and the next good one is taken."""
        with capture_logs() as logs, Serving(folder.read) as serving:
            (folder.path / "server.pem").write_text("no certificate")
            until(lambda: logs)
            assert self.names(serving) == {"localhost"}
            folder.certificate("repaired.example")
            until(lambda: self.names(serving) == {"repaired.example"})
        assert [line["log_level"] for line in logs] == ["warning", "info"]

    def test_users_come_and_go(self, folder):
        """Also for passwords that were remembered, and on connections that stay."""
        with Serving(folder.read) as serving:
            assert serving.ask(get("/", basic("ada", "one")), self.client)[0] == 200
            folder.users(ada="two", bob="three")
            until(lambda: serving.ask(get("/", basic("bob", "three")), self.client)[0] == 200)
            assert serving.ask(get("/", basic("ada", "one")), self.client)[0] == 401
            assert serving.ask(get("/", basic("ada", "two")), self.client)[0] == 200

    def test_a_new_client_ca_is_asked_at_the_next_handshake(self, folder, stranger):
        """Nobody gets in by a session that an older one let begin."""
        ca = folder.path / "clients.pem"
        folder.authority.write_ca(folder.path, ca.name)
        folder.write(
            "tls_server_config: {cert_file: server.pem, key_file: server.key, "
            "client_ca_file: clients.pem, client_auth_type: RequireAndVerifyClientCert}"
        )
        client = folder.authority.client(folder.path, "me.example")
        with Serving(folder.read) as serving:
            with serving.connect(client) as connection:
                connection.sendall(get())
                assert connection.recv(4_096).startswith(b"HTTP/1.1 200 ")
                session = connection.session
            stranger.write_ca(folder.path, ca.name)

            def refused() -> bool:
                plain = serving.connect()
                try:
                    with client.wrap_socket(
                        plain, server_hostname="localhost", session=session
                    ) as again:
                        again.settimeout(PATIENCE)
                        again.sendall(get())
                        return not again.recv(4_096)
                except (OSError, ConnectionError):
                    return True
                finally:
                    plain.close()

            until(refused)
