"""Daemons that divide services among them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from exporter.demo.ports import free_port
from tests.helpers.integration.exporters import Exporter


def neighbours(count: int) -> int:
    """The first of some free ports that differ in their last digit alone."""
    for _ in range(100):
        first = (free_port() // 10 + 1) * 10
        with suppress(OSError):
            for port in range(first, first + count):
                free_port(port)
            return first
    raise AssertionError("there are no neighbouring ports that are free")


def sharded(folder: Path, text: str, total: int, *flags: str) -> list[Exporter]:
    """The shards of a configuration, each of which leads to the others; none is started yet."""
    first = neighbours(total)
    return [
        Exporter(
            folder / f"shard-{number}",
            text,
            f"--shard={number}",
            f"--total-shards={total}",
            f"--web.shard-url-template=http://127.0.0.1:{first // 10}{{shard}}",
            *flags,
            port=first + number,
        )
        for number in range(total)
    ]
