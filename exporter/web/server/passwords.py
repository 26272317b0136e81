"""Basic authentication: users and the bcrypt hashes of their passwords."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

import bcrypt

from exporter.errors import RequestError
from exporter.web.server.pools import Pool

MAX_KNOWN = 100
"""Passwords that are remembered as right: enough for every user of a small list."""

MAX_WAITING = 16
"""Passwords that may wait for their turn; each takes some 100 ms of a core."""

BCRYPT_BYTES = 72
"""What bcrypt looks at; tools that make hashes drop what a password has beyond."""


class BusyError(RequestError):
    """Too many passwords are waiting to be checked."""


class Passwords:
    """Checks passwords, one at a time, in a thread; right ones are remembered.

    Only a keyed digest is kept, and only of right ones, so guessing can neither fill the memory
    nor push anybody out of it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, None] = {}
        self._pool = Pool("passwords", 1)
        self._waiting = 0

    async def right(self, users: Mapping[str, str], authorization: str) -> bool:
        """Whether an Authorization header names one of the users with its password.

        Raises:
            BusyError: too many others are being checked.
        """
        user, password = _read(authorization)
        if user is None or not users:
            return False
        exists = user in users
        hashed = users[user] if exists else self._stand_in(users, user)
        digest = self._digest(user, hashed, password)
        if exists and digest in self._known:
            return True
        matches = await self._compare(password, hashed)
        if not (exists and matches):
            return False
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[digest] = None
        return True

    async def _compare(self, password: str, hashed: str) -> bool:
        if self._waiting >= MAX_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            secret = password.encode()[:BCRYPT_BYTES]
            return await self._pool.run(bcrypt.checkpw, secret, hashed.encode())
        finally:
            self._waiting -= 1

    def _stand_in(self, users: Mapping[str, str], user: str) -> str:
        """A hash to compare an unknown user's password with, so that it takes as long.

        It is a real user's, and always the same one for a name: costs may differ.
        """
        place = int.from_bytes(self._digest(user)) % len(users)
        return sorted(users.values())[place]

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._key, repr(parts).encode(), "sha256")


def named(authorization: str) -> str | None:
    """The user that an Authorization header names, whether or not the password is right."""
    return _read(authorization)[0]


def _read(authorization: str) -> tuple[str | None, str]:
    """User and password of a Basic Authorization header; no user where it is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    user, colon, password = text.partition(":")
    return (user, password) if colon else (None, "")
