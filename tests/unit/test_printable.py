"""What a terminal and a log get is text, whatever a server or a file holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from exporter.commands.printable import printable

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202eevil\ud800"


class TestPrintable:
    def test_what_moves_or_colours_a_terminal_is_shown_instead(self):
        """Lines and tabs stay."""
        assert printable("a,b\r\n") == "a,b\r\n"
        assert printable("a\x1b[31m\tb\n\x9bc\r") == "a\\u001b[31m\tb\n\\u009bc\\u000d"

    def test_json_means_the_same(self):
        """Its own strings may hold such characters as they are."""
        text = json.dumps("\x7f\x9b\u2028", ensure_ascii=False)
        assert text != printable(text)
        assert json.loads(printable(text)) == "\x7f\x9b\u2028"

    def test_half_a_character_is_no_error(self):
        """It has no UTF-8 form."""
        printable("\ud800").encode()


SCRIPTS = {
    "message": "raise ConfigurationError(TEXT)",
    "output": "click.echo(TEXT, color=True)",
    "traceback": "raise ValueError(TEXT)",
    "log": "configure('info', 'logfmt'); structlog.get_logger().info('a', b=TEXT)",
    "log of a fault": (
        "configure('info', 'logfmt')\n"
        "    try:\n        raise ValueError(TEXT)\n"
        "    except ValueError:\n        structlog.get_logger().exception('a')"
    ),
    "log of a library": "configure('info', 'logfmt'); logging.getLogger('h11').error(TEXT)",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_every_way_out_of_a_command_is_clean(script):
    """One place cleans messages, output, logs and tracebacks."""
    program = (
        "import click, logging, structlog\n"
        "from exporter.cli import LazyGroup\n"
        "from exporter.daemon.logs import configure\n"
        "from exporter.errors import ConfigurationError\n"
        f"TEXT = {HOSTILE!a}\n"
        "@click.command()\n"
        f"def hostile():\n    {script}\n"
        "class Group(LazyGroup):\n"
        "    def get_command(self, ctx, name):\n        return hostile\n"
        "Group('main')(['hostile'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60
    )
    said = ended.stdout + ended.stderr
    assert b"evil" in said
    assert not any(byte in said for byte in (b"\x1b", b"\x07", b"\r", b"\xc2\x9b", b"\xe2\x80\xae"))
