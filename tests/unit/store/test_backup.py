"""A copy of a store that a daemon has open."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.errors import StoreError
from exporter.store.backup import backup
from exporter.store.opening import FILE
from exporter.store.settings import PostgresSettings
from tests.helpers.ledger.stored import restart
from tests.helpers.ledger.troubled import FILLED, fill, held


def test_a_copy_has_all_that_was_stored_and_replaces_the_one_before(tmp_path: Path):
    """What is still in the write-ahead log included; nothing is left beside it."""
    folder, copies = tmp_path / "store", tmp_path / "copies"
    copies.mkdir()
    fill(folder)
    _, store = restart(folder)
    for _ in range(2):
        assert backup(folder, copies / FILE) > 0
    store.close()
    assert [path.name for path in copies.iterdir()] == [FILE]
    assert held(copies) == FILLED


def test_what_cannot_be_written_leaves_the_copy_before(tmp_path: Path):
    """Said with the place and the reason."""
    fill(tmp_path / "store")
    with pytest.raises(StoreError, match="cannot be written from"):
        backup(tmp_path / "store", tmp_path / "absent" / FILE)


def test_postgresql_has_its_own():
    """It says what to use."""
    with pytest.raises(StoreError, match="pg_dump"):
        backup(PostgresSettings(url="postgresql://host/slo"), Path("copy"))
