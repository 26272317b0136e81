"""Where the store is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from exporter.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.%-]*)(?::\d*)?"
_PARAMETER = r"[a-z_]+=[^&@\s]*"
_URL = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^@/?\s]*@)?"  # user and password
    rf"{_HOST}(?:,{_HOST})*"
    r"(?:/[^@/?\s]*)?"  # database
    rf"(?:\?{_PARAMETER}(?:&{_PARAMETER})*)?"
)


def mistake(url: str) -> str | None:
    """What is wrong with a URL, in words that have nothing of it; None if nothing is.

    libpq takes a password with an @ for a part of the host, and names that when it cannot find it.
    """
    if not url.startswith(SCHEMES):
        return "must be a URL that begins with postgresql://"
    if not _URL.fullmatch(url):
        return (
            "must be a URL such as postgresql://user:password@host/database; write @ / ? % and "
            "spaces in user and password as %40 %2F %3F %25 %20"
        )
    return None


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """A PostgreSQL database: its URL, or the file that holds it, which is read at every connection.

    As text it is the file, or the URL without user, password and parameters.
    """

    url: str | None = field(default=None, repr=False)
    url_file: Path | None = None

    def read(self) -> str:
        """The URL.

        Raises:
            StoreError: the file cannot be read, or holds something else.
        """
        if self.url_file is None:
            return self.url or ""
        try:
            text = self.url_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise StoreError(f"{self.url_file} cannot be read: {why}") from error
        wrong = mistake(text)
        if wrong:
            raise StoreError(f"{self.url_file} cannot be used: its text {wrong}")
        return text

    def __str__(self) -> str:
        if self.url_file is not None:
            return f"PostgreSQL by {self.url_file}"
        rest = (self.url or "").partition("://")[2].partition("?")[0]
        return f"postgresql://{rest.rpartition('@')[2]}"


Place = Path | PostgresSettings
"""A folder, for a SQLite file in it, or a database."""
