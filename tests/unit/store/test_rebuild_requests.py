"""Requests to ask for an SLO again: made from outside, seen and cleared by the daemon."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.store.opening import FILE
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild
from exporter.store.store import Store
from tests.helpers.ledger.stored import KEY, START

OTHER = replace(KEY, measured="something else", name="latency")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that a daemon has open, with two SLOs."""
    one = Store(tmp_path)
    one.load([OTHER, KEY])
    one.write(START, [], [])
    yield one
    one.close()


def test_are_seen_until_they_are_met(store, tmp_path):
    """Another process asks, the daemon answers."""
    assert store.rebuilds.requests() == {}
    request_rebuild(tmp_path, "auth", "availability")
    assert store.rebuilds.requests() == {1: 0}
    assert rebuild_pending(tmp_path, "auth", "availability")
    assert not rebuild_pending(tmp_path, "auth", "latency")
    store.rebuilds.end(1)
    assert store.rebuilds.requests() == {}
    assert not rebuild_pending(tmp_path, "auth", "availability")


def test_no_chunk_is_read_for_them(store, tmp_path):
    """A command asks every second, of a store that may hold a million chunks."""
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("DROP TABLE chunk")
    request_rebuild(tmp_path, "auth", "availability")
    assert rebuild_pending(tmp_path, "auth", "availability")
    assert store.rebuilds.requests() == {1: 0}


@pytest.mark.parametrize(
    ("service", "name", "hint"),
    [
        ("auth", "availabilty", r"did you mean auth/availability\?"),
        ("auth", "", r"has no SLO auth: "),
        ("x", "y", r"it has auth/availability, auth/latency"),
    ],
)
def test_an_slo_that_is_not_there_is_named(store, tmp_path, service, name, hint):
    """And so are those that are; nothing is asked for."""
    with pytest.raises(StoreError, match=hint):
        request_rebuild(tmp_path, service, name)
    assert store.rebuilds.requests() == {}


def test_an_slo_that_is_no_longer_configured_is_not_there(store, tmp_path):
    """No daemon would ever answer."""
    store.load([OTHER])
    store.write(START + 30, [], [])
    with pytest.raises(StoreError, match="has no SLO auth/availability"):
        request_rebuild(tmp_path, "auth", "availability")


def test_a_folder_without_a_store_is_named(tmp_path):
    """Instead of a new store being made."""
    with pytest.raises(StoreError, match=r"ledger\.sqlite does not exist"):
        request_rebuild(tmp_path, "auth", "availability")
    with pytest.raises(StoreError, match=r"ledger\.sqlite does not exist"):
        rebuild_pending(tmp_path, "auth", "availability")
    assert list(tmp_path.iterdir()) == []
