"""Who may change state: nobody by default, and how that is opened."""

from __future__ import annotations

import json

import bcrypt
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from exporter.cli import main
from exporter.commands.serving import admin_access
from exporter.web.server import admin
from exporter.web.server.admin import AdminAccess, RefusalLog, changes_state, own_names
from exporter.web.server.settings import TlsSettings, WebSettings
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.serving import Serving, basic, get

SHOT = snapshot((subject(slo()), (100.0, 1_000_000.0, 1.0)))
USERS = {
    name: bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode() for name in ("ada", "prometheus")
}
OVERRIDE = json.dumps({"service": "auth", "by": "ada", "why": "a hotfix", "duration": "1m"})
CHANGES = [
    ("POST", "/-/reload", ""),
    ("PUT", "/-/reload", ""),
    ("POST", "/api/v1/overrides", OVERRIDE),
    ("DELETE", "/api/v1/overrides/1", ""),
    ("POST", "/api/v1/postmortems/acknowledge", "{}"),
    ("POST", "/api/v1/something/to/come", ""),
]


def change(
    method: str = "POST", path: str = "/-/reload", body: str = "", *headers: str, host: str = ""
) -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    request = get(path, *length, *headers, method=method, body=body)
    return request.replace(b"Host: localhost", f"Host: {host or 'localhost'}".encode())


@pytest.fixture(scope="module")
def closed():
    """As it is started without any flag."""
    with Serving(admin=AdminAccess(), shot=SHOT) as serving:
        yield serving


@pytest.fixture(scope="module")
def trusting():
    """Whoever is on this machine may."""
    with Serving(admin=AdminAccess(trust_loopback=True)) as serving:
        yield serving


class TestNobody:
    """By default."""

    @pytest.mark.parametrize(("method", "path", "body"), CHANGES)
    def test_may_change_anything(self, closed, method, path, body):
        """What is to come included; the words say how it is opened."""
        code, answer = closed.ask(change(method, path, body))
        assert code == 403
        for way in ("--web.config.file", "--web.enable-admin-api", "--web.trust-loopback"):
            assert way in answer.decode()
        assert closed.daemon.reloads == 0
        assert closed.daemon.kept.all == ()

    def test_is_kept_from_asking(self, closed):
        """The gate may be asked by POST, too."""
        for request in (get("/"), get("/metrics"), get("/api/v1/overrides")):
            assert closed.ask(request)[0] == 200
        assert closed.ask(change(path="/api/v1/gate?service=auth"))[0] == 200

    def test_is_left_without_a_word_by_the_commands(self, closed):
        """They say what the server says, and fail."""
        server = f"http://127.0.0.1:{closed.port}"
        command = ["override", "--server", server, "--by", "a", "--why", "b", "--for", "1h", "auth"]
        found = CliRunner().invoke(main, command)
        assert found.exit_code == 1
        assert f"{server}: Changing state is not enabled here. Start the exporter" in found.output


class TestUsers:
    """Of the web configuration."""

    def serving(self, access: AdminAccess) -> Serving:
        return Serving(lambda: WebSettings(users=USERS), admin=access, shot=SHOT)

    def test_may_and_are_named_in_the_log(self):
        """With the address from which they ask."""
        with self.serving(AdminAccess()) as serving, capture_logs() as logs:
            request = change("POST", "/api/v1/overrides", OVERRIDE, basic("ada", "hunter2"))
            assert serving.ask(request)[0] == 201
        [line] = [log for log in logs if log["event"] == "override recorded"]
        assert (line["user"], line["client"]) == ("ada", "127.0.0.1")

    def test_may_only_read_if_others_are_named(self):
        """The password of a scraper is in many hands."""
        with self.serving(AdminAccess(users=frozenset({"ada"}))) as serving:
            assert serving.ask(get("/metrics", basic("prometheus", "hunter2")))[0] == 200
            code, answer = serving.ask(
                change("POST", "/-/reload", "", basic("prometheus", "hunter2"))
            )
            assert (code, b"'prometheus' may only read" in answer) == (403, True)
            assert serving.ask(change("POST", "/-/reload", "", basic("ada", "hunter2")))[0] == 200

    @pytest.mark.parametrize(
        "access", [AdminAccess(enabled=True), AdminAccess(trust_loopback=True)]
    )
    def test_are_asked_for_whatever_the_flags_say(self, access):
        """A flag opens no door that a password closes."""
        with self.serving(access) as serving:
            assert serving.ask(change())[0] == 401

    def test_that_are_named_but_not_there_are_nobody(self):
        """With --web.enable-admin-api, too: a list of users is meant to close something."""
        access = AdminAccess(enabled=True, users=frozenset({"ada"}))
        with Serving(admin=access) as serving:
            code, answer = serving.ask(change())
            assert (code, b"--web.config.file has none" in answer) == (403, True)


def test_client_certificates_are_enough(authority, tmp_path):
    """Where they are demanded and verified; without, TLS alone says nothing of who asks."""
    files = authority.write(tmp_path, "127.0.0.1")
    verified = TlsSettings(
        *files, client_auth=admin.ssl.CERT_REQUIRED, client_ca_file=authority.write_ca(tmp_path)
    )
    for tls, expected in ((verified, 200), (TlsSettings(*files), 403)):
        with Serving(lambda tls=tls: WebSettings(tls=tls), admin=AdminAccess()) as serving:
            client = authority.client(tmp_path, "ada.example")
            client.check_hostname = False
            assert serving.ask(change(), client)[0] == expected


class TestLoopback:
    def test_is_trusted(self, trusting):
        """Whoever asks from here."""
        assert trusting.ask(change())[0] == 200

    @pytest.mark.parametrize(
        "header", ["X-Forwarded-For: 10.0.0.7", "Forwarded: for=10.0.0.7", "Via: 1.1 proxy"]
    )
    def test_is_not_where_a_proxy_passes_it_on(self, trusting, header):
        """It comes from elsewhere."""
        assert trusting.ask(change("POST", "/-/reload", "", header))[0] == 403

    @pytest.mark.parametrize(
        ("client", "local"),
        [
            ("127.0.0.1", True),
            ("127.8.9.1", True),
            ("::1", True),
            ("::ffff:127.0.0.1", True),
            ("10.0.0.7", False),
            ("::ffff:10.0.0.7", False),
            ("unknown", False),
        ],
    )
    def test_is_known_by_its_address(self, client, local):
        """Also where one socket serves both families."""
        access = AdminAccess(trust_loopback=True)
        assert (access.refusal(WebSettings(), None, client, {}) is None) == local


class TestHosts:
    ACCESS = admin_access(
        listen_address="exporter.local:9098",
        enabled=True,
        trust_loopback=False,
        users=(),
        hosts=("slo.example.com", "*.monitoring.svc"),
        external_url="https://budgets.example.com/slo",
        open_probes=False,
    )

    @pytest.mark.parametrize(
        ("host", "known"),
        [
            ("", True),
            ("localhost:9098", True),
            ("demo.localhost", True),
            ("127.0.0.1:9098", True),
            ("[::1]:9098", True),
            ("10.1.2.3", True),
            ("exporter.local:9098", True),
            ("SLO.example.com.", True),
            ("budgets.example.com", True),
            ("exporter.monitoring.svc:9098", True),
            ("monitoring.svc", False),
            ("evil.example", False),
            ("evil.example:9098", False),
            ("localhost.evil.example", False),
            ("slo.example.com.evil.example", False),
            ("evilslo.example.com", False),
            ("2130706433", False),
            ("0x7f.1", False),
        ],
    )
    def test_those_that_are_known_may_be_asked(self, host, known):
        """A page of another site can make its name resolve to the exporter, but keeps the name."""
        headers = {"host": host} if host else {}
        assert (self.ACCESS.refusal(WebSettings(), None, "10.0.0.7", headers) is None) == known

    def test_this_machines_own_names_are_known(self, monkeypatch):
        """The long one and the short one."""
        monkeypatch.setattr(admin.socket, "gethostname", lambda: "Exporter-0.example.com")
        assert own_names("") == ("exporter-0.example.com", "exporter-0")

    def test_every_host_is_known_where_that_is_wanted(self):
        """A proxy in front checks it."""
        access = AdminAccess(enabled=True, hosts=("*",))
        assert access.refusal(WebSettings(), None, "10.0.0.7", {"host": "any.example"}) is None

    def test_a_rebound_page_is_refused_and_told(self):
        """It is same-origin by its own words."""
        with Serving(admin=AdminAccess(enabled=True)) as serving, capture_logs() as logs:
            headers = ("Sec-Fetch-Site: same-origin", "Origin: http://evil.example")
            code, answer = serving.ask(
                change("POST", "/-/reload", "", *headers, host="evil.example")
            )
            assert (code, b"--web.allowed-hosts" in answer) == (403, True)
            assert serving.daemon.reloads == 0
        [line] = [log for log in logs if log["event"] == "a change was refused"]
        assert (line["client"], line["path"]) == ("127.0.0.1", "/-/reload")


def test_refusals_are_told_once_a_minute(monkeypatch):
    """Anybody may cause them: the next line says how many there were."""
    moments = iter([0.0, 1.0, 59.0, 61.0])
    monkeypatch.setattr(admin.time, "monotonic", lambda: next(moments))
    log = RefusalLog()
    with capture_logs() as logs:
        for _ in range(4):
            log.refused(why="closed")
    assert [line.get("others") for line in logs] == [None, 2]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "ODD"])
def test_what_is_not_known_changes_state(method):
    """A route that is added is closed until somebody says otherwise."""
    assert changes_state(method, "/api/v1/anything")
    assert not changes_state("GET", "/api/v1/anything")


@pytest.mark.parametrize(
    "flag",
    [
        "--web.allowed-hosts=http://slo.example.com",
        "--web.allowed-hosts=slo.example.com:9098",
        "--web.external-url=slo.example.com",
    ],
)
def test_a_flag_that_cannot_be_read_is_refused(flag):
    """With words that say how it is written."""
    found = CliRunner().invoke(main, ["run", flag])
    assert (found.exit_code, "write" in found.output) == (2, True)
