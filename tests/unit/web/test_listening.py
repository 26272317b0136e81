"""Listen addresses, and what is said when one cannot be had."""

from __future__ import annotations

import re
import socket

import pytest
from prometheus_client import CollectorRegistry

from exporter.exposition.publisher import Publisher
from exporter.web.routes import create_app
from exporter.web.server.listening import ListenError, listen, parse_listen_address
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.server import Server
from exporter.web.server.settings import WebSettings
from tests.helpers.web.serving import ToldDaemon


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            (":9098", ("", 9098)),
            ("127.0.0.1:0", ("127.0.0.1", 0)),
            ("localhost:80", ("localhost", 80)),
            ("[::1]:9098", ("::1", 9098)),
            ("[::]:65535", ("::", 65_535)),
        ],
    )
    def test_host_and_port(self, text, address):
        """The host may be left out; IPv6 stands in brackets."""
        assert parse_listen_address(text) == address

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "9098",
            "localhost",
            "localhost:",
            ":http",
            ":-1",
            ":65536",
            ":1.5",
            ": 80",
            ":٣",
            "http://localhost:80/",
            "localhost:80:x",
            ":999999",
        ],
    )
    def test_anything_else_is_refused_with_an_example(self, text):
        """The message quotes what was given."""
        message = f"{text!r} is not a listen address: write host:port or :port, as in :9098"
        with pytest.raises(ValueError, match="^" + re.escape(message)):
            parse_listen_address(text)

    @pytest.mark.parametrize("text", ["::1:9098", ":::9098", "[::1:9098", "::1]:9098"])
    def test_ipv6_without_brackets_is_refused(self, text):
        """Where the port begins could not be told."""
        with pytest.raises(ValueError, match=r"write IPv6 in brackets, as in \[::1\]:9098$"):
            parse_listen_address(text)

    @pytest.mark.parametrize("text", ["]localhost[:80", "[localhost:80", "[[::1]]:80"])
    def test_brackets_stand_around_ipv6_alone(self, text):
        """Stray ones are not dropped without a word."""
        with pytest.raises(ValueError, match="is not a listen address"):
            parse_listen_address(text)


class TestListening:
    def test_a_free_port_is_taken(self):
        """Port 0 stands for any."""
        with listen("127.0.0.1:0") as found:
            assert found.getsockname()[0] == "127.0.0.1"
            assert found.getsockname()[1] > 0

    def test_a_port_that_is_taken_is_named(self):
        """The message has the address and the system's reason."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(ListenError, match=f"^cannot listen on {re.escape(address)}: ") as e:
                listen(address)
        assert "in use" in str(e.value)

    @pytest.mark.parametrize("address", ["192.0.2.1:0", "a..b:0"])
    def test_a_host_that_is_not_this_machine_is_named(self, address):
        """Whatever is wrong with it."""
        with pytest.raises(ListenError, match=f"^cannot listen on {re.escape(address)}: "):
            listen(address)


def test_the_server_tells_nothing_of_itself_and_leaves_signals_alone():
    """No Server header, no access log, and no end by a signal that it would handle."""
    app = create_app(Publisher(CollectorRegistry()), ToldDaemon(), version="1")
    server = Server(app, ReloadingConfig(WebSettings))
    assert (server.config.server_header, server.config.access_log) == (False, False)
    with server.capture_signals():
        pass
