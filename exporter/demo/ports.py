"""Ports of this machine that a server to be started can have for certain."""

from __future__ import annotations

import os
import socket
from collections import deque

# File descriptors of the ports that were given away last; the kernel closes them with the process.
_RESERVED: deque[int] = deque()
_MOST = 256


def free_port(wanted: int = 0) -> int:
    """A TCP port of 127.0.0.1 that is ours: any that is free, or the one that is wanted.

    It stays bound, so that before the server that it is meant for listens, nobody else is given
    it, and no outgoing connection uses it. That server can listen: it sets SO_REUSEADDR, as ours
    and Go's do, and a socket that does not listen is then no obstacle. Until it does, connections
    are refused.

    Raises:
        OSError: the wanted port is taken.
    """
    ours = socket.socket()
    try:
        ours.bind(("127.0.0.1", wanted))
    except OSError:
        ours.close()
        raise
    # Only now: two who ask at the same time must not be given the same port.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port: int = ours.getsockname()[1]
    _RESERVED.append(ours.detach())
    if len(_RESERVED) > _MOST:  # whoever asks for so many has long been using the first
        os.close(_RESERVED.popleft())
    return port
