"""A TCP proxy that holds answers back or breaks connections, to try experiments with.

    python3 proxy.py --listen 8080 --to 8081 --control 8082
    curl -X POST 'http://127.0.0.1:8082/delay?seconds=0.5'   # each piece of an answer is late
    curl -X POST 'http://127.0.0.1:8082/break'               # connections are closed at once
    curl -X POST 'http://127.0.0.1:8082/heal'                # as if it was not there

It needs Python alone, and listens on 127.0.0.1. For more kinds of faults there is Toxiproxy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from urllib.parse import parse_qs, urlsplit

PIECE = 65_536


class Proxy:
    """What it does to connections at the moment."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.delay = 0.0
        self.broken = False

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead a client to the server and back."""
        with contextlib.closing(writer), contextlib.suppress(OSError):
            if self.broken:
                return
            answers, asks = await asyncio.open_connection("127.0.0.1", self.to)
            with contextlib.closing(asks):
                forth = asyncio.ensure_future(self.lead(reader, asks, late=False))
                back = asyncio.ensure_future(self.lead(answers, writer, late=True))
                await asyncio.wait([forth, back], return_when=asyncio.FIRST_COMPLETED)
                for each in (forth, back):
                    each.cancel()
                await asyncio.gather(forth, back, return_exceptions=True)

    async def lead(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool
    ) -> None:
        """Pass on what comes, and hold it back if it is to be late."""
        while piece := await reader.read(PIECE):
            if late and self.delay:
                await asyncio.sleep(self.delay)
            if self.broken:
                return
            writer.write(piece)
            await writer.drain()

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what somebody asks for by HTTP."""
        with contextlib.closing(writer), contextlib.suppress(OSError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ")
            asked = urlsplit(head[1])
            status = "200 OK"
            if head[0] != "POST" or asked.path not in ("/delay", "/break", "/heal"):
                status = "404 Not Found"
            else:
                self.broken = asked.path == "/break"
                seconds = parse_qs(asked.query).get("seconds", ["0"])[0]
                self.delay = float(seconds) if asked.path == "/delay" else 0.0
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()


async def main() -> None:
    """Listen until somebody ends it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--listen", "--to", "--control"):
        options.add_argument(name, type=int, required=True, help="a port of 127.0.0.1")
    given = options.parse_args()
    proxy = Proxy(given.to)
    async with (
        await asyncio.start_server(proxy.connection, "127.0.0.1", given.listen) as server,
        await asyncio.start_server(proxy.control, "127.0.0.1", given.control),
    ):
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
