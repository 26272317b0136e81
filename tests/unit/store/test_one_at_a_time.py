"""A store that is closed while another thread is at work in it: the process lives on."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.errors import StoreError
from exporter.store import one_at_a_time
from exporter.store.places import backend

COUNTING = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000000)
SELECT count(*) FROM n
"""
"""Takes hours, in either database."""

ROUNDS = """
import sys, threading, time
from pathlib import Path
from exporter.errors import StoreError
from exporter.store.places import backend

folder = Path(sys.argv[1])
for number in range(60):
    store = backend(folder / str(number))
    begun = threading.Event()

    def work():
        try:
            while True:
                with store.transaction() as session:
                    session.execute("CREATE TABLE IF NOT EXISTS t (a)")
                    begun.set()
                    session.executemany("INSERT INTO t VALUES (?)", ((i,) for i in range(200)))
        except StoreError:
            return

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    time.sleep(number * 1e-4)
    store.close()
    thread.join()
print("all closed")
"""


@pytest.fixture
def store(place):
    one = backend(place)
    yield one
    one.close()


@pytest.fixture
def threads():
    with ThreadPoolExecutor() as pool:
        yield pool


def test_no_moment_crashes_the_process(tmp_path):
    """By itself, SQLite's driver does: in a process of its own, so that it would be this test's."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", ROUNDS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all closed\n"), done.stderr


def test_what_is_being_written_is_written_to_its_end(place, store, threads):
    writing, go_on = threading.Event(), threading.Event()

    def write():
        with store.transaction() as session:
            session.execute("CREATE TABLE t (a INTEGER)")
            writing.set()
            go_on.wait()
            session.execute("INSERT INTO t VALUES (1)")

    written = threads.submit(write)
    writing.wait()
    closed = threads.submit(store.close)
    go_on.set()
    written.result()
    closed.result()
    again = backend(place)
    with again.reading() as session:
        assert session.execute("SELECT a FROM t").fetchone() == (1,)
    again.close()


def test_a_statement_that_does_not_end_is_interrupted(place, store, threads):
    """And the store is free for the next."""
    asking = threading.Event()

    def ask():
        with store.reading() as session:
            asking.set()
            session.execute(COUNTING).fetchone()

    asked = threads.submit(ask)
    asking.wait()
    store.close()
    with pytest.raises(StoreError, match=r"cannot be read"):
        asked.result()
    again = backend(place)
    again.check()
    again.close()


def test_a_thread_that_never_comes_back_holds_nobody_up(store, threads, monkeypatch):
    """As on a network mount that is gone; its connection is left to it."""
    monkeypatch.setattr(one_at_a_time, "CLOSE_SECONDS", 0.1)
    reading, go_on = threading.Event(), threading.Event()

    def read():
        with store.reading() as session:
            reading.set()
            go_on.wait()
            return session.execute("SELECT 1").fetchone()

    found = threads.submit(read)
    reading.wait()
    try:
        store.close()
    finally:
        go_on.set()
    # PostgreSQL's connection was cut; SQLite had no statement that could be interrupted.
    assert isinstance(found.exception(), StoreError) or found.result() == (1,)


def test_who_comes_after_it_is_told(store):
    store.close()
    for use in (store.reading, store.transaction):
        with pytest.raises(StoreError, match=r" is closed$"), use():
            pass
    with pytest.raises(StoreError, match=r" is closed$"):
        store.check()
