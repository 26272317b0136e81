"""Damage of a store's file: contained, told, and healed as far as it can be.

Each example copies a real file, damages it, and has the next daemon begin with it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exporter.cli import main
from exporter.store.carving import log_of
from exporter.store.opening import FILE
from exporter.store.schema import StoreVersionError
from exporter.store.store import Store
from exporter.store.verification import verify
from tests.helpers.ledger.full_store import CHANGES, KEYS, OVERRIDES, ReadBack, fill_all, read_back
from tests.helpers.thorough import examples

pytestmark = pytest.mark.lengthy

PAGE = 4_096
MANY = 1_000_000
"""Places of a file, however long it is."""

BEFORE = Path(__file__).with_name("version_before")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ReadBack]:
    """A file with everything in it, and what is read of it."""
    folder = tmp_path_factory.mktemp("sound")
    fill_all(folder)
    content = (folder / FILE).read_bytes()
    return content, read_back(folder)


def after(content: bytes) -> ReadBack | None:
    """What a daemon begins with after this became of the file; None if it refuses to."""
    with TemporaryDirectory() as name:
        (Path(name) / FILE).write_bytes(content)
        try:
            return read_back(Path(name))
        except StoreVersionError:
            return None


def lost(found: Mapping[object, object], before: Mapping[object, object]) -> set[object]:
    """What is not there any more. Nothing is another than it was, and nothing is new."""
    assert found.items() <= before.items()
    return before.keys() - found.keys()


def assert_contained(found: ReadBack, before: ReadBack, most_chunks: int) -> None:
    """Some chunks of slots may be gone, and are told of; all else is there."""
    gone = lost(found.slots, before.slots) | lost(found.days, before.days)
    assert len(gone) <= 64 * most_chunks
    assert found.messages or not gone
    assert (found.policy, found.overrides, found.changes) == (
        *(before.policy, before.overrides, before.changes),
    )


@examples(300)
@given(place=st.integers(0, MANY - 1), tipped=st.integers(1, 255))
def test_one_damaged_byte_costs_one_chunk_at_most(sound, place, tipped):
    """Of one group; changes of tier, incidents, and what people said come back from copies."""
    content, before = sound
    damaged = bytearray(content)
    damaged[100 + place * (len(content) - 100) // MANY] ^= tipped
    found = after(bytes(damaged))
    assert found is not None
    # Where SQLite's own numbers in a page are hit, the rows of that page may be.
    assert_contained(found, before, most_chunks=7)


@examples(50)
@given(at=st.integers(0, 99), bit=st.integers(0, 7))
def test_a_damaged_header_costs_nothing_but_what_its_page_has(sound, at, bit):
    """Where it says that a newer version wrote the file, it is refused and left as it is."""
    content, before = sound
    damaged = bytearray(content)
    damaged[at] ^= 1 << bit
    found = after(bytes(damaged))
    if found is None:
        assert 60 <= at < 64
    else:
        assert_contained(found, before, most_chunks=7)


@examples(50)
@given(place=st.integers(0, MANY - 1))
def test_a_page_of_zeros_costs_its_own_chunks(sound, place):
    """As after a bad sector; what says whose they are is there twice."""
    content, before = sound
    at = place * (len(content) // PAGE) // MANY * PAGE
    found = after(content[:at] + bytes(PAGE) + content[at + PAGE :])
    assert found is not None
    assert_contained(found, before, most_chunks=16)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_off_keeps_what_is_in_front(sound, part):
    """No figure is another one than it was."""
    content, before = sound
    found = after(content[: int(len(content) * part)])
    assert found is not None
    lost(found.slots, before.slots)
    lost(found.days, before.days)
    assert any("were saved from it" in message for message in found.messages)


def test_only_the_damaged_group_loses_its_slots(tmp_path):
    """The others keep them, and Prometheus is asked again for what it still has."""
    fill_all(tmp_path)
    before = read_back(tmp_path)
    [series, number] = execute(
        tmp_path,
        "SELECT series, number FROM chunk JOIN series ON series.id = series"
        " WHERE labels = '[\"us\"]' AND slot = 300 ORDER BY number LIMIT 1 OFFSET 1",
    )
    tip(tmp_path, "chunk", "counts", f"series = {series} AND slot = 300 AND number = {number}")
    found = read_back(tmp_path)
    gone = lost(found.slots, before.slots)
    assert len(gone) == 64
    assert {key[:3] for key in gone} == {(1, ("us",), 300)}
    assert found.rebuilt == {1}
    [message] = found.messages
    assert "shop/by region us: 64 slots of 300 s from 2023-11-" in message


RECORDS = {
    "tier_change": ("after", "'normal'"),
    "incident": ("acknowledged_by", "'mallory'"),
    "incident_detail": ("peak", "0.9"),
    "firing": ("open", "1"),
    "override": ("until", "4e9"),
    "change": ("what", "'nothing'"),
    "series": ("labels", "'[\"moon\"]'"),
    "slo": ("name", "'other'"),
}


@pytest.mark.parametrize("table", RECORDS)
def test_a_record_that_was_altered_is_restored(tmp_path, table):
    """Whatever it is; `ledger verify` says so before, and that all is well after."""
    fill_all(tmp_path)
    before = read_back(tmp_path)
    column, value = RECORDS[table]
    where = "acknowledged_by IS NOT NULL" if table == "incident" else "true"
    key = {"tier_change": "at, slo, labels", "firing": "start, slo, labels"}.get(table, "rowid")
    if table in {"incident", "incident_detail"}:
        key = "start, slo, labels"
    chosen = f"({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT 1)"
    if table == "tier_change":
        chosen = f"({key}) IN (SELECT {key} FROM {table} WHERE after <> 'normal' LIMIT 1)"
    execute(tmp_path, f'UPDATE {table} SET "{column}" = {value} WHERE {chosen}')
    [line] = verify(tmp_path).damage
    assert line.startswith(f"table {table}: ")
    found = read_back(tmp_path)
    assert "was damaged, and is restored from its copy" in found.messages[0]
    assert (found.slots, found.days) == (before.slots, before.days)
    assert_contained(found, before, 0)
    assert verify(tmp_path).damage == []


def test_when_an_slo_was_written_is_told_by_the_others(tmp_path):
    """A byte of it would have taken all of its slots, or its tiers, for long past."""
    fill_all(tmp_path)
    before = read_back(tmp_path)
    execute(tmp_path, 'UPDATE slo SET "end" = 1, judged = 4000000000 WHERE id = 2')
    assert verify(tmp_path).damage == [
        "table slo: until when shop/by region is stored: its checksum is another"
    ]
    found = read_back(tmp_path)
    assert (found.slots, found.policy) == (before.slots, before.policy)
    assert 0 < found.final_until[1] <= before.final_until[1]
    assert verify(tmp_path).damage == []


def test_a_damaged_log_is_told_and_what_is_whole_in_it_is_kept(tmp_path):
    """SQLite itself leaves out in silence all that was written after the damage."""
    fill_all(tmp_path)
    killed = tmp_path / "killed"
    killed.mkdir()
    store = Store(tmp_path)
    store.load(KEYS)
    store.write_overrides(OVERRIDES[:1])
    store.add_changes(CHANGES)
    store.write_overrides(OVERRIDES)
    for path in (FILE, f"{FILE}-wal"):  # as a kill would leave them
        shutil.copy(tmp_path / path, killed / path)
    store.close()
    log = bytearray(log_of(killed / FILE))
    log[32 + 24 + 2_000] ^= 1
    (killed / f"{FILE}-wal").write_bytes(log)
    assert verify(killed).damage
    found = read_back(killed)
    assert any("ledger.sqlite-wal is damaged" in message for message in found.messages)
    assert found.overrides == tuple(OVERRIDES)


def test_an_older_store_is_given_checksums(tmp_path):
    """All of it, at once; and what an older program writes later is taken for what it is."""
    shutil.copytree(BEFORE, tmp_path, dirs_exist_ok=True)
    old = verify(tmp_path)
    assert old.damage == []
    store = Store(tmp_path)
    store.write_overrides([*store.overrides(), replace(OVERRIDES[0], id=50)])
    store.close()
    new = verify(tmp_path)
    assert (new.damage, new.unsealed) == ([], 0)
    assert new.chunks == old.chunks
    execute(
        tmp_path,
        'INSERT INTO override (id, service, "by", why, start, until)'
        " VALUES (77, 'shop', 'ada', 'by an older program', 1, 2)",
    )
    store = Store(tmp_path)
    assert store.new_messages() == []
    assert 77 in [each.id for each in store.overrides()]
    store.close()
    assert (verify(tmp_path).damage, verify(tmp_path).unsealed) == ([], 0)


class TestVerify:
    def run(self, folder: Path) -> tuple[int, str]:
        """The command's exit code and words."""
        result = CliRunner().invoke(main, ["ledger", f"--storage.path={folder}", "verify"])
        return result.exit_code, result.output

    def test_says_that_all_is_sound(self, tmp_path):
        """Exit code 0."""
        fill_all(tmp_path)
        code, text = self.run(tmp_path)
        assert code == 0
        assert text.startswith(f"{tmp_path / FILE} is sound: ")

    def test_says_what_is_damaged_and_where(self, tmp_path):
        """Exit code 1."""
        fill_all(tmp_path)
        tip(tmp_path, "chunk", "counts", "series = 1 AND slot = 30 AND number % 6 = 0")
        tip(tmp_path, "day", "counts", "slo = 3")
        code, text = self.run(tmp_path)
        assert code == 1
        assert "table chunk: shop/availability: 64 slots of 30 s from 2023-11-14" in text
        assert "table day: auth/latency: 64 days from 2023-" in text
        assert "is damaged in 2 places" in text

    def test_says_that_it_could_not_look(self, tmp_path):
        """Exit code 2."""
        code, text = self.run(tmp_path)
        assert (code, "does not exist" in text) == (2, True)

    def test_goes_on_behind_what_cannot_be_read(self, tmp_path):
        """A page of zeros in the middle ends one table, not the command."""
        fill_all(tmp_path)
        content = (tmp_path / FILE).read_bytes()
        at = len(content) // PAGE // 2 * PAGE
        (tmp_path / FILE).write_bytes(content[:at] + bytes(PAGE) + content[at + PAGE :])
        code, text = self.run(tmp_path)
        assert code == 1
        assert "the file: " in text


def execute(folder: Path, statement: str) -> tuple[object, ...]:
    """Change the file behind everybody's back, or ask it for a row."""
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        return connection.execute(statement).fetchone() or ()


def tip(folder: Path, table: str, column: str, where: str) -> None:
    """Have a bit of one row tip over."""

    def tipped(value: bytes) -> bytes:
        damaged = bytearray(value)
        damaged[len(damaged) // 2] ^= 1
        return bytes(damaged)

    function: Callable[[bytes], bytes] = tipped
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.create_function("tipped", 1, function)
        [number] = connection.execute(f"SELECT min(number) FROM {table} WHERE {where}").fetchone()
        connection.execute(
            f"UPDATE {table} SET {column} = tipped({column}) WHERE {where} AND number = ?",
            (number,),
        )
