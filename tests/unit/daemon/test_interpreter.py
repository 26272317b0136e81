"""How Python is set for a daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from exporter.daemon.interpreter import ARENAS

THREADS = """
import ctypes, threading
from exporter.daemon.interpreter import spare_the_loop
spare_the_loop()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
held, all_hold = [], threading.Barrier(16)
def hold():
    held.extend(libc.malloc(60_000) for _ in range(20))
    all_hold.wait()
threads = [threading.Thread(target=hold) for _ in range(16)]
for each in threads: each.start()
for each in threads: each.join()
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")
def test_threads_share_few_heaps():
    """Each would keep what the largest answer has taken that was made in it."""
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, check=True)
    assert 1 <= done.stdout.count(b"<heap nr=") <= ARENAS
