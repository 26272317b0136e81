"""How Python is set for a daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from exporter.daemon.interpreter import ARENAS

THREADS = """
import ctypes, re, threading
from exporter.daemon.interpreter import spare_the_loop
spare_the_loop()
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
held, all_hold = [], threading.Barrier(16)
def hold():
    held.extend(malloc(60_000) for _ in range(20))
    all_hold.wait()
threads = [threading.Thread(target=hold) for _ in range(16)]
for each in threads: each.start()
for each in threads: each.join()
print(len({address >> 26 for address in held}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")
def test_threads_share_few_heaps():
    """Each would keep what the largest answer has taken that was made in it."""
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, check=True)
    assert int(done.stdout) <= ARENAS
