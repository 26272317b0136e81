"""Basic authentication: who gets in, what it costs, and what is kept of it."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterator

import bcrypt
import pytest

from exporter.web.server.passwords import MAX_KNOWN, MAX_WAITING, BusyError, Passwords
from exporter.web.server.settings import WebSettings
from tests.helpers.web.serving import Serving, basic, get


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()


USERS = {"ada": hashed("lovelace"), "zoë": hashed("päss:word"), "long": hashed("x" * 100)}


def header(user: str, password: str) -> str:
    return basic(user, password).partition(": ")[2]


def run(use: Callable[[Passwords], Awaitable[None]]) -> None:
    async def start() -> None:
        await use(Passwords())

    asyncio.run(start())


class Counted:
    """bcrypt, with a count of the comparisons that were made, and of those at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[bytes] = []
        self.running = self.most = 0
        self._real = bcrypt.checkpw
        monkeypatch.setattr("exporter.web.server.passwords.bcrypt.checkpw", self._check)

    def _check(self, password: bytes, hash_: bytes) -> bool:
        self.seen.append(hash_)
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.01)
        self.running -= 1
        return self._real(password, hash_)


@pytest.fixture
def counted(monkeypatch) -> Counted:
    """The comparisons that are made."""
    return Counted(monkeypatch)


class TestWhoGetsIn:
    @pytest.mark.parametrize(
        ("authorization", "right"),
        [
            (header("ada", "lovelace"), True),
            (header("ada", "lovelace").replace("Basic ", "bAsIc   "), True),
            (header("zoë", "päss:word"), True),
            (header("long", "x" * 100), True),
            (header("ada", "Lovelace"), False),
            (header("ada", ""), False),
            (header("ada", "lovelace\0"), False),
            (header("Ada", "lovelace"), False),
            (header("", "lovelace"), False),
            (header("bob", "lovelace"), False),
            (header("zoë", "päss"), False),
            pytest.param(header("ada", USERS["ada"]), False, id="the hash as password"),
            ("", False),
            ("Basic", False),
            ("Basic ada:lovelace", False),
            ("Basic " + base64.b64encode(b"adalovelace").decode(), False),
            ("Basic " + base64.b64encode(b"\xff:\xff").decode(), False),
            ("Bearer " + header("ada", "lovelace").partition(" ")[2], False),
        ],
    )
    def test_users_with_their_password_alone(self, authorization, right):
        """Asked twice: what is remembered changes nothing."""

        async def use(passwords: Passwords) -> None:
            for _ in range(2):
                assert await passwords.right(USERS, authorization) == right

        run(use)

    def test_every_kind_of_hash_that_bcrypt_has(self):
        """htpasswd writes $2y$, others $2a$ and $2b$."""

        async def use(passwords: Passwords) -> None:
            for kind in ("$2a$", "$2b$", "$2y$"):
                users = {"ada": USERS["ada"].replace("$2b$", kind)}
                assert await passwords.right(users, header("ada", "lovelace"))

        run(use)

    def test_a_password_that_was_changed_is_wrong_at_once(self):
        """However lately it was right."""

        async def use(passwords: Passwords) -> None:
            old = header("ada", "lovelace")
            assert await passwords.right(USERS, old)
            assert not await passwords.right({"ada": hashed("byron")}, old)
            assert not await passwords.right({"bob": USERS["ada"]}, old)
            assert not await passwords.right({}, old)

        run(use)


class TestWhatItCosts:
    def test_a_right_password_is_compared_once(self, counted):
        """A scrape every few seconds costs no hash each."""

        async def use(passwords: Passwords) -> None:
            for _ in range(5):
                assert await passwords.right(USERS, header("ada", "lovelace"))

        run(use)
        assert len(counted.seen) == 1

    def test_unknown_users_cost_as_much_as_known_ones(self, counted):
        """The hash that stands in is a user's own, the same each time."""

        async def use(passwords: Passwords) -> None:
            for user in ("ada", "bob", "bob", ""):
                assert not await passwords.right(USERS, header(user, "wrong"))

        run(use)
        assert len(counted.seen) == 4
        assert counted.seen[1] == counted.seen[2]
        assert {seen.decode() for seen in counted.seen} <= set(USERS.values())

    def test_the_event_loop_goes_on_meanwhile(self):
        """A hash takes long; nobody else waits for it."""
        users = {"ada": hashed("lovelace", cost=12)}

        async def use(passwords: Passwords) -> None:
            checking = asyncio.create_task(passwords.right(users, header("ada", "lovelace")))
            turns = 0
            while not checking.done():
                await asyncio.sleep(0.001)
                turns += 1
            assert checking.result()
            assert turns > 5

        run(use)

    def test_guessing_takes_one_core_and_the_rest_is_turned_away(self, counted):
        """One at a time, so many waiting; those who are remembered pass by them all."""

        async def use(passwords: Passwords) -> None:
            assert await passwords.right(USERS, header("ada", "lovelace"))
            guesses = [
                asyncio.create_task(passwords.right(USERS, header("ada", f"guess-{i}")))
                for i in range(MAX_WAITING + 5)
            ]
            await asyncio.sleep(0)
            assert await passwords.right(USERS, header("ada", "lovelace"))
            assert not any(guess.done() and not guess.exception() for guess in guesses)
            found = await asyncio.gather(*guesses, return_exceptions=True)
            assert found[:MAX_WAITING] == [False] * MAX_WAITING
            assert all(isinstance(each, BusyError) for each in found[MAX_WAITING:])
            assert not await passwords.right(USERS, header("ada", "later"))

        run(use)
        assert counted.most == 1

    def test_what_is_kept_is_bounded_and_no_password(self, counted):
        """The oldest is forgotten; a dump of memory shows digests."""
        users = {f"user-{i}": USERS["ada"] for i in range(MAX_KNOWN + 10)}

        async def use(passwords: Passwords) -> None:
            for user in users:
                assert await passwords.right(users, header(user, "lovelace"))
            assert len(passwords._known) == MAX_KNOWN
            assert b"lovelace" not in b"".join(passwords._known)
            before = len(counted.seen)
            assert await passwords.right(users, header(user, "lovelace"))
            assert len(counted.seen) == before

        run(use)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Serving]:
    """A server for those users."""
    with Serving(lambda: WebSettings(users=USERS)) as serving:
        yield serving


class TestOfAServer:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/"),
            ("GET", "/metrics"),
            ("GET", "/-/healthy"),
            ("GET", "/-/ready"),
            ("GET", "/config"),
            ("GET", "/api/v1/status"),
            ("GET", "/api/v1/slos"),
            ("POST", "/-/reload"),
            ("PUT", "/-/reload"),
            ("GET", "/-/reload"),
            ("OPTIONS", "/"),
            ("GET", "/nothing"),
        ],
    )
    def test_everything_needs_a_user(self, guarded, method, path):
        """Also what is not there, and what changes something: without one, nothing happens."""
        code, answer = guarded.ask(get(path, method=method))
        assert code == 401
        assert b'www-authenticate: Basic realm="error-budget-exporter", charset="UTF-8"' in answer
        assert guarded.daemon.reloads == 0
        assert guarded.ask(get(path, basic("ada", "lovelace"), method=method))[0] not in {401, 500}
        guarded.daemon.reloads = 0

    def test_nothing_tells_a_wrong_password_from_a_wrong_user(self, guarded):
        """The answers are the same but for the time of day."""
        answers = [
            [
                line
                for line in guarded.ask(get("/", basic(*pair)))[1].splitlines()
                if not line.startswith(b"date:")
            ]
            for pair in (("ada", "wrong"), ("bob", "wrong"))
        ]
        assert answers[0] == answers[1]

    def test_too_many_guesses_at_once_are_put_off(self, monkeypatch):
        """503 rather than a queue; those who are known are served all the same."""
        monkeypatch.setattr("exporter.web.server.passwords.MAX_WAITING", 0)
        with Serving(lambda: WebSettings(users=USERS)) as serving:
            assert serving.ask(get("/", basic("ada", "wrong")))[0] == 503
            assert serving.ask(get("/"))[0] == 401
