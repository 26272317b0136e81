"""Who we are to Prometheus: the Authorization header, from secrets that may change."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from exporter.prometheus.settings import Authorization, BasicAuth

SHORTEST = 6
"""Characters of what is taken for a secret in a text."""


class Credentials(Protocol):
    """What gives every request its Authorization header."""

    async def header(self, refused: str | None = None) -> str:
        """The header's value; `refused` is one that was just answered with HTTP 401.

        Raises:
            OSError: a file cannot be read, or holds what no header can carry.
            UnavailableError: there is no token.
        """

    def secrets(self) -> Iterable[str]:
        """What no message may show of the headers given until now."""

    async def aclose(self) -> None:
        """Close what it has opened."""


class StoredCredentials:
    """A password or a token as it stands in the settings or, at this moment, in a file."""

    def __init__(self, settings: BasicAuth | Authorization) -> None:
        self._settings = settings
        self._secrets: tuple[str, ...] = ()

    async def header(self, refused: str | None = None) -> str:
        """The header's value, whether it was refused or not: there is no other."""
        of = self._settings
        if isinstance(of, BasicAuth):
            password = read_secret(of.password, of.password_file)
            pair = base64.b64encode(f"{of.username}:{password}".encode()).decode()
            self._secrets = (password, pair)
            return f"Basic {pair}"
        credentials = printable_secret(of.credentials, of.credentials_file)
        self._secrets = (credentials,)
        return f"{of.type} {credentials}"

    def secrets(self) -> Iterable[str]:
        """What the newest header holds."""
        return self._secrets

    async def aclose(self) -> None:
        """Nothing is open."""


def read_secret(value: str | None, file: Path | None) -> str:
    """A secret given in place, or what its file holds now.

    Raises:
        OSError: the file cannot be read, or is not text; without showing it.
    """
    if file is None:
        return value or ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise OSError(f"{file} is not UTF-8 text") from error


def printable_secret(value: str | None, file: Path | None) -> str:
    """A secret that a header can carry.

    Raises:
        OSError: as `read_secret`, or no header can carry it.
    """
    secret = read_secret(value, file)
    if not secret.isascii() or not secret.isprintable():
        raise OSError(f"{file or 'what is given'} holds other than printable ASCII characters")
    return secret


def without(secrets: Iterable[str], text: str) -> str:
    """A text of a server's, which may show what it was asked with, without that.

    What is shorter than a secret should be may be a part of any word, and stays.
    """
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "<secret>")
    return text
