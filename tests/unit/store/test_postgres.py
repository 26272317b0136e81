"""A store in PostgreSQL that is not as it should be: what is said, and what is lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from exporter.errors import StoreError
from exporter.slo.overrides import OFFLINE
from exporter.store import overrides
from exporter.store.errors import StoreLostError
from exporter.store.schema import StoreVersionError
from exporter.store.settings import PostgresSettings, mistake
from exporter.store.store import Store
from tests.helpers.ledger.stored import KEY, START, restart, save, settle
from tests.unit.store.test_sharing import OVERRIDE

NUMBERS = count(1)
ONES = np.ones((1, 5))

DIE = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NEW;
END $$;
CREATE TRIGGER die BEFORE INSERT OR UPDATE ON chunk EXECUTE FUNCTION die();
"""


class Database:
    """An empty database, and the server that it is on."""

    def __init__(self, server) -> None:
        self.server = server
        self.name = f"fresh_{next(NUMBERS)}"
        self.url = server.create(self.name)
        self.settings = PostgresSettings(self.url)

    def do(self, sql: str) -> None:
        """As the administrator."""
        self.server.execute(sql, database=self.name)

    def events(self) -> float:
        """What the next daemon begins with."""
        one, store = restart(self.settings)
        store.close()
        return float(one.window(24_000).total[0])


@pytest.fixture
def database(postgres_server) -> Database:
    return Database(postgres_server)


@pytest.fixture
def daemon(database):
    """A ledger and its store, with five events stored."""
    one, store = restart(database.settings)
    settle(one, 0, START - 100, ONES, ONES)
    save(one, store)
    yield one, store
    store.close()


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://db",
            "postgres://db:5432/slo",
            "postgresql://exporter:se%40cret@db.example.com/slo?sslmode=verify-full",
            "postgresql://exporter@server:se:cr#t[]@[::1]:5432/slo".replace(
                "exporter@", "exporter%40"
            ),
            "postgresql://a:b@one:5432,two/slo?target_session_attrs=read-write&connect_timeout=3",
            "postgresql://exporter@%2Fvar%2Frun%2Fpostgresql/slo",
            "postgresql:///slo?host=/var/run/postgresql&user=exporter&password=a%40b",
        ],
    )
    def test_these_are_taken(self, url):
        """As libpq does."""
        assert mistake(url) is None

    @pytest.mark.parametrize("password", ["se@cret", "se/cret", "se?cret", "@", "5?cret=a@b"])
    def test_a_password_that_would_be_taken_for_a_host_is_refused(self, tmp_path, password):
        """In words that have nothing of it: libpq would look for the host `cret@db`."""
        url = f"postgresql://exporter:{password}@db.example.com:5432/slo"
        told = mistake(url)
        assert told is not None
        assert "write @ / ? % and spaces in user and password as %40 " in told
        file = tmp_path / "url"
        file.write_text(url)
        with pytest.raises(StoreError, match=r"url cannot be used: its text must be a URL") as why:
            PostgresSettings(url_file=file).read()
        assert "cret" not in str(why.value)

    @pytest.mark.parametrize("parameters", ["?password=wrong", ""])
    def test_a_wrong_password_is_not_told(self, database, parameters):
        """But that it is wrong, and for whom."""
        url = database.url.replace("secret", "wrong") + parameters
        with pytest.raises(StoreError, match='authentication failed for user "exporter"') as why:
            Store(PostgresSettings(url)).load([KEY])
        assert "wrong" not in str(why.value)

    def test_tls_that_is_asked_for_is_not_done_without(self, database):
        """The tests' server has none."""
        store = Store(PostgresSettings(f"{database.url}?sslmode=require"))
        with pytest.raises(StoreError, match="server does not support SSL, but SSL was required"):
            store.load([KEY])

    def test_a_file_is_read_again_at_the_next_connection(self, database, tmp_path):
        """A password that has changed needs no restart."""
        file = tmp_path / "url"
        file.write_text(database.url.replace("secret", "wrong"))
        store = Store(PostgresSettings(url_file=file))
        with pytest.raises(StoreError):
            store.load([KEY])
        file.write_text(f"{database.url}\n")
        assert store.load([KEY]) == {}
        store.close()


class TestTrouble:
    def test_a_connection_that_ends_amid_a_write_takes_back_all_of_it(self, database, daemon):
        """With the server's own words; the next write has it again."""
        one, store = daemon
        database.do(f"SET search_path TO error_budget_exporter; {DIE}")
        database.do("GRANT pg_signal_backend TO exporter")
        settle(one, 0, START - 50, ONES, ONES)
        with pytest.raises(StoreError, match="terminating connection due to administrator"):
            save(one, store)
        database.do("DROP FUNCTION error_budget_exporter.die CASCADE")
        assert database.events() == 5
        one.give_all_back()
        save(one, store)
        assert database.events() == 10

    def test_a_database_that_has_become_read_only_is_read_and_told(self, database, daemon):
        """As a standby, or one whose owner has shut it."""
        one, store = daemon
        database.do(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
        database.server.cut()
        settle(one, 0, START - 50, ONES, ONES)
        with pytest.raises(StoreError, match=r"cannot execute .* in a read-only transaction"):
            save(one, store)
        assert database.events() == 5
        reset = f"ALTER DATABASE {database.name} RESET default_transaction_read_only"
        database.server.execute(reset, database="postgres")
        database.server.cut()
        one.give_all_back()
        save(one, store)
        assert database.events() == 10

    def test_one_that_a_newer_version_has_taken_over_is_left_alone(self, database, daemon):
        """Replicas are replaced one after the other: the old one must not write into new tables."""
        one, store = daemon
        database.do("UPDATE error_budget_exporter.version SET version = 7")
        settle(one, 0, START - 50, ONES, ONES)
        with pytest.raises(StoreVersionError, match=r"a newer version \(schema 7"):
            save(one, store)
        database.do("UPDATE error_budget_exporter.version SET version = 2")
        assert database.events() == 5

    def test_one_that_does_not_say_its_version_is_refused(self, database, daemon):
        """Somebody has emptied tables."""
        database.do("DELETE FROM error_budget_exporter.version")
        with pytest.raises(StoreError, match="does not say of which version it is"):
            restart(database.settings)

    def test_what_other_shards_write_hides_no_loss(self, database, daemon):
        """A backup that came back is noticed by each, whoever of them writes first."""
        one, store = daemon
        other = Store(database.settings)
        other.load([replace(KEY, service="another")])
        database.do('UPDATE error_budget_exporter.slo SET "end" = "end" - 60')
        other.write(START + 600, (), [])
        with pytest.raises(StoreLostError):
            save(one, store)
        database.server.cut()  # its ids are not known any more, either
        one.give_all_back()
        save(one, store)
        database.do(
            'UPDATE error_budget_exporter.slo SET "end" = "end" - 60 WHERE service = \'auth\''
        )
        database.server.cut()
        with pytest.raises(StoreLostError):
            save(one, store)
        other.close()

    def test_two_that_write_at_once_lose_nothing(self, database):
        """Each has other slots of the same chunks, and writes them again and again."""
        both = [restart(database.settings) for _ in range(2)]
        failed: list[Exception] = []

        def write(number: int) -> None:
            one, store = both[number]
            try:
                for start in range(START - 400 + number * 50, START - 100, 100):
                    settle(one, 0, start, ONES, ONES)
                    save(one, store)
            except Exception as error:  # noqa: BLE001 - it is looked at below
                failed.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _, store in both:
            store.close()
        assert not failed
        assert database.events() == 30

    def test_one_that_has_not_learned_takes_nothing_away(self, database):
        """What others know of a chunk is looked at until its ledger has it, too."""
        both = [restart(database.settings) for _ in range(2)]
        for number, (one, store) in enumerate(both):
            for start in range(START - 400 + number * 50, START - 100, 100):
                settle(one, 0, start, ONES, ONES)
                save(one, store)
        for _, store in both:
            store.close()
        assert database.events() == 30


def test_an_override_whose_storing_was_not_confirmed_is_one():
    """The connection ended after the commit: the daemon keeps it under a number of its own."""
    offline = replace(OVERRIDE, id=OFFLINE + 7, start=OVERRIDE.start + 0.5)
    assert overrides.together([OVERRIDE], [offline], 0) == (OVERRIDE,)
