"""Telling systemd how the daemon is: the protocol of sd_notify(3).

A message is one datagram: too little to depend on somebody's library for.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class Supervisor:
    """Whoever started the daemon and wants to know of it; nobody, where nobody asked.

    Args:
        environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read from it.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of a name that is in no file system.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._patience = 0.0
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        with suppress(ValueError):
            self._patience = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if ours else 0.0

    def ready(self, status: str) -> None:
        """The daemon has started, or has ended a reload; `status` is for people."""
        self._tell("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        # The kernel's clock, by which systemd tells this reload from an earlier one.
        self._tell(
            "RELOADING=1",
            f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}",
            "STATUS=reading the configuration",
        )

    def stopping(self) -> None:
        """The daemon is about to end."""
        self._tell("STOPPING=1", "STATUS=stopping")

    async def reassure(self) -> None:
        """Say again and again that the event loop goes on; nothing, where nobody watches."""
        while self._patience > 0 and self._address:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._patience / 3)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # One that does not listen is no reason to end.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto("\n".join(lines).encode(), self._address)


def _line(text: str) -> str:
    return " ".join(text.split())
